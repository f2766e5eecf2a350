/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/root_paths.h"

const char *const root_paths[ROOT_PATHS_COUNT] = {
	"/usr",
	"/bin",
	"/sbin",
	"/lib",
	"/lib32",
	"/lib64",
	"/libx32",
	"/etc/alternatives",
	"/etc/ld.so.cache",
	"/etc/ld.so.conf",
	"/etc/ld.so.conf.d",
	ROOT_PATHS_LOCALTIME,
	"/etc/nsswitch.conf",
	"/etc/protocols",
	"/etc/services",
	"/etc/ssl/certs",
	"/etc/ssl/openssl.cnf",
	"/etc/ca-certificates",
	"/etc/mime.types",
	"/etc/magic",
};
