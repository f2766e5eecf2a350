/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debian's libsqlite3.a can load extensions, and so asks for the dynamic loader. A static program
 * has none, nothing here loads any, and the linker (--wrap) puts these in the loader's place: there
 * is no way to bring code into this process.
 */
#include <stddef.h>

void *__wrap_dlopen(const char *path, int flags);
void *__wrap_dlsym(void *handle, const char *name);
int __wrap_dlclose(void *handle);
char *__wrap_dlerror(void);

void *__wrap_dlopen(const char *path, int flags)
{
	(void)path;
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
