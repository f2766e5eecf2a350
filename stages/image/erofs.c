/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/image/erofs.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define MAGIC	   0xE0F5E1E2U
#define BLOCK_BITS 12
#define EXTENDED   1 /* i_format: the long inode; content in consecutive blocks is 0 */

static void put(uint8_t *at, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

/* struct erofs_inode_extended. Times are zero: an image says what is in a tree, not since when. */
void erofs_put_inode(uint8_t out[EROFS_INODE_SIZE], const struct erofs_inode *inode)
{
	memset(out, 0, EROFS_INODE_SIZE);
	put(out, EXTENDED, 2);
	put(out + 4, inode->mode, 2);
	put(out + 8, inode->size, 8);
	put(out + 16, inode->block, 4);
	put(out + 20, inode->number, 4);
	put(out + 24, inode->uid, 4);
	put(out + 28, inode->gid, 4);
	put(out + 44, inode->links, 4);
}

/* struct erofs_super_block. UUID and name are zero, so that one tree is one image. */
void erofs_put_super(uint8_t out[EROFS_SUPER_SIZE], const struct erofs_super *super)
{
	memset(out, 0, EROFS_SUPER_SIZE);
	put(out, MAGIC, 4);
	put(out + 12, BLOCK_BITS, 1);
	put(out + 14, super->root, 2);
	put(out + 16, super->inodes, 8);
	put(out + 36, super->blocks, 4);
	put(out + 40, super->inode_block, 4);
}

/* As the kernel's new_encode_dev: twelve bits of major, twenty of minor. */
uint32_t erofs_device(dev_t device)
{
	uint32_t high = major(device), low = minor(device);

	return (low & 0xff) | (high << 8) | ((low & ~0xffU) << 12);
}

uint8_t erofs_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return 1;
	case S_IFDIR:
		return 2;
	case S_IFCHR:
		return 3;
	case S_IFBLK:
		return 4;
	case S_IFIFO:
		return 5;
	case S_IFSOCK:
		return 6;
	default:
		return 7; /* a symbolic link */
	}
}

bool erofs_add_entry(struct erofs_entries *entries, const char *name, uint64_t nid, uint8_t type)
{
	size_t len = strlen(name), at = entries->count;

	if ((at + 1) * EROFS_ENTRY_SIZE + entries->text_len + len > EROFS_BLOCK)
		return false;
	entries->nids[at] = nid;
	entries->types[at] = type;
	entries->starts[at] = (uint16_t)entries->text_len;
	memcpy(entries->text + entries->text_len, name, len);
	entries->text_len += len;
	entries->count++;
	return true;
}

/* struct erofs_dirent; the first one's name offset also says how many there are. */
size_t erofs_put_entries(uint8_t out[EROFS_BLOCK], struct erofs_entries *entries)
{
	size_t names = entries->count * EROFS_ENTRY_SIZE, len = names + entries->text_len;

	memset(out, 0, EROFS_BLOCK);
	for (size_t i = 0; i < entries->count; i++) {
		uint8_t *entry = out + i * EROFS_ENTRY_SIZE;

		put(entry, entries->nids[i], 8);
		put(entry + 8, names + entries->starts[i], 2);
		put(entry + 10, entries->types[i], 1);
	}
	memcpy(out + names, entries->text, entries->text_len);
	entries->count = entries->text_len = 0;
	return len;
}
