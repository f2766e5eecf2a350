/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IMAGE_EROFS_H
#define IMAGE_EROFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The little of EROFS (Documentation/filesystems/erofs.rst, fs/erofs/erofs_fs.h) an image of ours
 * is made of: blocks of 4096 bytes, extended inodes, contents in whole consecutive blocks; nothing
 * compressed, inlined or shared, no extended attributes, no checksum beside the image's own hash.
 * Linux 5.4 and later read it.
 */
#define EROFS_BLOCK	 4096
#define EROFS_SUPER_AT	 1024
#define EROFS_SUPER_SIZE 128
#define EROFS_INODE_SIZE 64
#define EROFS_SLOT_SIZE	 32 /* what an inode's number counts */
#define EROFS_NAME_MAX	 255
#define EROFS_NO_BLOCK	 UINT32_MAX /* of an inode without content */

/* The number of the inode at index of the table. Number 0 is no entry to readdir(3). */
#define EROFS_NID(index) ((uint64_t)(index) * (EROFS_INODE_SIZE / EROFS_SLOT_SIZE))

struct erofs_inode {
	mode_t mode;
	uint32_t uid, gid, links;
	uint64_t size;
	uint32_t block; /* the first of its content; of a device erofs_device */
	uint32_t number;
};

struct erofs_super {
	uint64_t inodes;
	uint32_t blocks;      /* of the whole image */
	uint32_t inode_block; /* where the table of inodes starts */
	uint16_t root;	      /* its number */
};

void erofs_put_inode(uint8_t out[EROFS_INODE_SIZE], const struct erofs_inode *inode);
void erofs_put_super(uint8_t out[EROFS_SUPER_SIZE], const struct erofs_super *super);
uint32_t erofs_device(dev_t device);
uint8_t erofs_type(mode_t mode);

/*
 * A block of a directory's entries while it fills: names go in in the order of their bytes, "." and
 * ".." among them.
 */
#define EROFS_ENTRY_SIZE 12
#define EROFS_ENTRY_MAX	 (EROFS_BLOCK / (EROFS_ENTRY_SIZE + 1))

struct erofs_entries {
	uint64_t nids[EROFS_ENTRY_MAX];
	uint16_t starts[EROFS_ENTRY_MAX]; /* of the names, in text */
	uint8_t types[EROFS_ENTRY_MAX];
	char text[EROFS_BLOCK];
	size_t count, text_len;
};

/* false: no room left, write it first and start another. A name is 1 to EROFS_NAME_MAX bytes. */
bool erofs_add_entry(struct erofs_entries *entries, const char *name, uint64_t nid, uint8_t type)
	__attribute__((warn_unused_result));
/* The block, zeros behind; what of it counts when it is the directory's last. Empties *entries. */
size_t erofs_put_entries(uint8_t out[EROFS_BLOCK], struct erofs_entries *entries);

#endif
