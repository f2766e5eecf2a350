/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libcrypto's library refers to and no program of ours may hold: loading code and looking up
 * names. Linked with --wrap, so that glibc's own are not in the executable; nothing here calls
 * these, and whoever gets there finds that there is no such thing.
 */
#include <netdb.h>
#include <stddef.h>

void *__wrap_dlopen(const char *name, int flags);
void *__wrap_dlsym(void *handle, const char *name);
int __wrap_dlclose(void *handle);
char *__wrap_dlerror(void);
int __wrap_dladdr(const void *address, void *info);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		       struct addrinfo **result);
void __wrap_freeaddrinfo(struct addrinfo *list);
const char *__wrap_gai_strerror(int error);
int __wrap_getnameinfo(const void *address, unsigned int len, char *host, unsigned int host_len,
		       char *service, unsigned int service_len, int flags);
struct hostent *__wrap_gethostbyname(const char *name);

void *__wrap_dlopen(const char *name, int flags)
{
	(void)name;
	(void)flags;
	return NULL;
}

void *__wrap_dlsym(void *handle, const char *name)
{
	(void)handle;
	(void)name;
	return NULL;
}

int __wrap_dlclose(void *handle)
{
	(void)handle;
	return -1;
}

char *__wrap_dlerror(void)
{
	return NULL;
}

int __wrap_dladdr(const void *address, void *info)
{
	(void)address;
	(void)info;
	return 0;
}

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		       struct addrinfo **result)
{
	(void)node;
	(void)service;
	(void)hints;
	*result = NULL;
	return EAI_FAIL;
}

void __wrap_freeaddrinfo(struct addrinfo *list)
{
	(void)list;
}

const char *__wrap_gai_strerror(int error)
{
	(void)error;
	return "no name is looked up here";
}

int __wrap_getnameinfo(const void *address, unsigned int len, char *host, unsigned int host_len,
		       char *service, unsigned int service_len, int flags)
{
	(void)address;
	(void)len;
	(void)host;
	(void)host_len;
	(void)service;
	(void)service_len;
	(void)flags;
	return EAI_FAIL;
}

struct hostent *__wrap_gethostbyname(const char *name)
{
	(void)name;
	return NULL;
}
