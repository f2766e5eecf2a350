/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_OCI_H
#define SUPPORT_OCI_H

#include <stddef.h>
#include <sys/types.h>

/* Images made by the tests: OCI layouts and docker save's archives, right or wrong in one place. */
struct oci_entry {
	const char *name;
	/* f file, d directory, l symbolic link, h hard link, c device, p FIFO */
	char type;
	const char *data; /* content, or a link's target; "@PATH": that file's content */
	mode_t mode;	  /* 0: 0755 */
};

enum oci_compression { OCI_PLAIN, OCI_GZIP, OCI_ZSTD };

enum oci_fault {
	OCI_RIGHT,
	OCI_DIGEST,    /* the first layer's blob, which is gzip, has one byte changed */
	OCI_DIFF_ID,   /* the configuration names another content */
	OCI_SIZE,      /* the manifest says one byte less */
	OCI_TRUNCATED, /* the blob ends early, and its digest and size are of that */
	OCI_TYPE,      /* gzip is said, plain is there */
	OCI_FOREIGN,   /* a layer that lies elsewhere */
	OCI_ARCH,      /* for arm64 */
	OCI_TWO,       /* two images for linux on amd64 */
	OCI_NONE,      /* none */
	OCI_DUPLICATE, /* a name twice in the index */
	OCI_VERSION,   /* of the layout */
	OCI_CONFIG,    /* the configuration is not what its digest says */
	OCI_ESCAPE,    /* the manifest's digest is a path */
};

#define OCI_ENTRIES_MAX 16

struct oci_layer_spec {
	enum oci_compression compression;
	struct oci_entry entries[OCI_ENTRIES_MAX]; /* up to one without a name */
};

/* Into dir, which is there. */
void oci_make(const char *dir, const struct oci_layer_spec *layers, size_t count,
	      enum oci_fault fault);

/* One tar of dir's files, as an archive at path; docker: with manifest.json instead of an index. */
void oci_archive(const char *dir, const char *path, enum oci_compression compression);
void oci_make_docker(const char *dir, const struct oci_layer_spec *layers, size_t count);

/* A tar file at path with these entries. */
void oci_write_tar(const char *path, const struct oci_layer_spec *layer);

#endif
