/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/oci.h"

#include "stages/seal/digest.h"
#include "tests/support/child.h"

#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE  4096
#define TEXT_SIZE  65536
#define MANIFEST   "application/vnd.oci.image.manifest.v1+json"
#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar"

struct made {
	char digest[DIGEST_TEXT_SIZE], diff_id[DIGEST_TEXT_SIZE];
	size_t size;
	const char *type;
};

static void hash(const void *data, size_t len, char out[DIGEST_TEXT_SIZE])
{
	uint8_t value[DIGEST_SIZE];

	digest_bytes(data, len, value);
	digest_text(value, out);
}

static mode_t type_of(char type)
{
	switch (type) {
	case 'd':
		return AE_IFDIR;
	case 'l':
		return AE_IFLNK;
	case 'c':
		return AE_IFCHR;
	case 'p':
		return AE_IFIFO;
	default:
		return AE_IFREG;
	}
}

static void add_entry(struct archive *writer, const struct oci_entry *from)
{
	struct archive_entry *entry = archive_entry_new();
	char *loaded = NULL;
	size_t len = 0;
	const char *data = from->data ?: "";

	if (from->type == 'f') {
		len = strlen(data);
		if (data[0] == '@') {
			loaded = child_read_file(data + 1, &len);
			cr_assert_not_null(loaded, "%s", data + 1);
			data = loaded;
		}
	}
	archive_entry_set_pathname(entry, from->name);
	archive_entry_set_filetype(entry, type_of(from->type));
	archive_entry_set_perm(entry, from->mode != 0 ? from->mode : 0755);
	archive_entry_set_mtime(entry, 1000000000, 0);
	archive_entry_set_size(entry, (int64_t)len);
	if (from->type == 'l')
		archive_entry_set_symlink(entry, data);
	if (from->type == 'h')
		archive_entry_set_hardlink(entry, data);
	cr_assert_eq(archive_write_header(writer, entry), ARCHIVE_OK, "%s: %s", from->name,
		     archive_error_string(writer));
	if (len > 0)
		cr_assert_eq(archive_write_data(writer, data, len), (la_ssize_t)len);
	archive_entry_free(entry);
	free(loaded);
}

static struct archive *begin(const char *path, enum oci_compression compression)
{
	struct archive *writer = archive_write_new();

	/* libarchive looks at it for names that are not ASCII. */
	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
	archive_write_set_format_pax_restricted(writer);
	if (compression == OCI_GZIP)
		archive_write_add_filter_gzip(writer);
	if (compression == OCI_ZSTD)
		archive_write_add_filter_zstd(writer);
	cr_assert_eq(archive_write_open_filename(writer, path), ARCHIVE_OK, "%s: %s", path,
		     archive_error_string(writer));
	return writer;
}

static void end(struct archive *writer)
{
	cr_assert_eq(archive_write_close(writer), ARCHIVE_OK);
	archive_write_free(writer);
}

static void write_layer(const char *path, const struct oci_layer_spec *layer,
			enum oci_compression compression)
{
	struct archive *writer = begin(path, compression);

	for (size_t i = 0; i < OCI_ENTRIES_MAX && layer->entries[i].name != NULL; i++)
		add_entry(writer, &layer->entries[i]);
	end(writer);
}

void oci_write_tar(const char *path, const struct oci_layer_spec *layer)
{
	write_layer(path, layer, layer->compression);
}

static void put_blob(const char *dir, const void *data, size_t len, char digest[DIGEST_TEXT_SIZE])
{
	char path[PATH_SIZE];

	hash(data, len, digest);
	snprintf(path, sizeof path, "%s/blobs/sha256/%s", dir, digest + strlen("sha256:"));
	child_write_file(path, data, len);
}

static void make_layer(const char *dir, const struct oci_layer_spec *layer, enum oci_fault fault,
		       struct made *made)
{
	static const char *const types[] = {LAYER_TYPE, LAYER_TYPE "+gzip", LAYER_TYPE "+zstd"};
	char path[PATH_SIZE];
	size_t len;
	char *data;

	snprintf(path, sizeof path, "%s/layer", dir);
	write_layer(path, layer, OCI_PLAIN);
	data = child_read_file(path, &len);
	hash(data, len, made->diff_id);
	free(data);
	unlink(path);
	write_layer(path, layer, fault == OCI_TYPE ? OCI_PLAIN : layer->compression);
	data = child_read_file(path, &len);
	unlink(path);
	if (fault == OCI_TRUNCATED)
		len /= 2;
	put_blob(dir, data, len, made->digest);
	made->size = len - (fault == OCI_SIZE);
	made->type = fault == OCI_TYPE	    ? types[OCI_GZIP]
		     : fault == OCI_FOREIGN ? "application/vnd.docker.image.rootfs.foreign.diff.tar"
					    : types[layer->compression];
	if (fault == OCI_DIGEST) {
		snprintf(path, sizeof path, "%s/blobs/sha256/%s", dir,
			 made->digest + strlen("sha256:"));
		data[4] ^= 1; /* gzip's own time: it unpacks to the same */
		child_write_file(path, data, len);
	}
	free(data);
}

static size_t make_config(const struct made *made, size_t count, enum oci_fault fault,
			  char text[TEXT_SIZE])
{
	size_t len =
		(size_t)snprintf(text, TEXT_SIZE,
				 "{\"architecture\":\"%s\",\"os\":\"linux\",\"config\":{\"Env\":"
				 "[\"A=b\"]},\n \"rootfs\":{\"type\":\"layers\",\"diff_ids\":[",
				 fault == OCI_ARCH ? "arm64" : "amd64");

	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, TEXT_SIZE - len, "%s\"%s\"", i > 0 ? "," : "",
					fault == OCI_DIFF_ID && i == 0 ? made[i].digest
								       : made[i].diff_id);
	return len + (size_t)snprintf(text + len, TEXT_SIZE - len, "]}}");
}

static void make_index(const char *dir, const char *digest, size_t len, enum oci_fault fault)
{
	char path[PATH_SIZE], text[TEXT_SIZE], item[1024];

	snprintf(item, sizeof item,
		 "{\"mediaType\":\"" MANIFEST "\",\"digest\":\"%s\",\"size\":%zu,\"platform\":"
		 "{\"architecture\":\"%s\",\"os\":\"linux\"}}",
		 fault == OCI_ESCAPE ? "sha256:../../../etc/passwd" : digest, len,
		 fault == OCI_NONE ? "riscv64" : "amd64");
	snprintf(text, sizeof text, "{\"schemaVersion\":2,%s\"manifests\":[%s%s%s]}\n",
		 fault == OCI_DUPLICATE ? "\"manifests\":[]," : "", item,
		 fault == OCI_TWO ? "," : "", fault == OCI_TWO ? item : "");
	snprintf(path, sizeof path, "%s/index.json", dir);
	child_write_file(path, text, strlen(text));
	snprintf(path, sizeof path, "%s/oci-layout", dir);
	snprintf(text, sizeof text, "{\"imageLayoutVersion\": \"%s\"}",
		 fault == OCI_VERSION ? "2.0.0" : "1.0.0");
	child_write_file(path, text, strlen(text));
}

static void make_directories(const char *dir)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof path, "%s/blobs", dir);
	cr_assert_eq(mkdir(path, 0755), 0);
	strcat(path, "/sha256");
	cr_assert_eq(mkdir(path, 0755), 0);
}

void oci_make(const char *dir, const struct oci_layer_spec *layers, size_t count,
	      enum oci_fault fault)
{
	struct made made[8];
	char text[TEXT_SIZE], path[PATH_SIZE], config[DIGEST_TEXT_SIZE], manifest[DIGEST_TEXT_SIZE];
	size_t len;

	cr_assert_leq(count, 8);
	make_directories(dir);
	for (size_t i = 0; i < count; i++)
		make_layer(dir, &layers[i], i == 0 ? fault : OCI_RIGHT, &made[i]);
	len = make_config(made, count, fault, text);
	put_blob(dir, text, len, config);
	if (fault == OCI_CONFIG) {
		snprintf(path, sizeof path, "%s/blobs/sha256/%s", dir, config + strlen("sha256:"));
		text[len] = '\n';
		child_write_file(path, text, len + 1);
	}
	len = (size_t)snprintf(text, sizeof text,
			       "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/"
			       "vnd.oci.image.config.v1+json\",\"digest\":\"%s\",\"size\":1},"
			       "\"layers\":[",
			       config);
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof text - len,
					"%s{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}",
					i > 0 ? "," : "", made[i].type, made[i].digest,
					made[i].size);
	len += (size_t)snprintf(text + len, sizeof text - len, "]}");
	put_blob(dir, text, len, manifest);
	make_index(dir, manifest, len, fault);
}

void oci_make_docker(const char *dir, const struct oci_layer_spec *layers, size_t count)
{
	struct made made[8];
	char text[TEXT_SIZE], path[PATH_SIZE];
	size_t len;

	cr_assert_leq(count, 8);
	make_directories(dir);
	for (size_t i = 0; i < count; i++)
		make_layer(dir, &layers[i], OCI_RIGHT, &made[i]);
	len = make_config(made, count, OCI_RIGHT, text);
	snprintf(path, sizeof path, "%s/config.json", dir);
	child_write_file(path, text, len);
	len = (size_t)snprintf(text, sizeof text,
			       "[{\"Config\":\"config.json\",\"RepoTags\":[\"a:b\"],\"Layers\":[");
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s\"blobs/sha256/%s\"",
					i > 0 ? "," : "", made[i].digest + strlen("sha256:"));
	len += (size_t)snprintf(text + len, sizeof text - len, "]}]\n");
	snprintf(path, sizeof path, "%s/manifest.json", dir);
	child_write_file(path, text, len);
}

static void add_files(struct archive *writer, const char *dir, const char *below)
{
	char path[PATH_SIZE], name[PATH_SIZE / 2], source[PATH_SIZE + 1];
	const struct dirent *item;
	DIR *list;

	snprintf(path, sizeof path, "%s/%s", dir, below);
	list = opendir(path);
	cr_assert_not_null(list, "%s", path);
	while ((item = readdir(list)) != NULL) {
		struct oci_entry entry = {.name = name, .type = 'f', .data = source, .mode = 0644};
		char target[PATH_SIZE] = "";
		struct stat info;

		if (item->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s%s%s", below, below[0] ? "/" : "", item->d_name);
		snprintf(source, sizeof source, "@%s/%s", dir, name);
		cr_assert_eq(lstat(source + 1, &info), 0);
		if (S_ISDIR(info.st_mode)) {
			entry.type = 'd';
			add_entry(writer, &entry);
			add_files(writer, dir, strdup(name));
			continue;
		}
		if (S_ISLNK(info.st_mode)) {
			cr_assert_gt(readlink(source + 1, target, sizeof target - 1), 0);
			entry.type = 'l';
			entry.data = target;
		}
		add_entry(writer, &entry);
	}
	closedir(list);
}

void oci_archive(const char *dir, const char *path, enum oci_compression compression)
{
	struct archive *writer = begin(path, compression);

	add_files(writer, dir, "");
	end(writer);
}
