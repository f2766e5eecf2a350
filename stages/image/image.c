/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/image/image.h"

#include "stages/image/output.h"
#include "stages/tree/names.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CODE	   FAULT_RUN_LAUNCH
#define ROOT_INDEX 1 /* inode 0 would have number 0 */

static struct image_level *current(struct image *image)
{
	return &image->levels[image->depth - 1];
}

/* A place in the table; what goes there is known later. */
static enum fault_code allocate(struct image *image, size_t *index, struct fault *fault)
{
	static const uint8_t empty[EROFS_INODE_SIZE];

	*index = image->inode_count++;
	buf_append(&image->inodes, empty, sizeof empty);
	return output_fits(image, 0, fault);
}

static void settle(struct image *image, size_t index, struct erofs_inode *inode)
{
	inode->number = (uint32_t)index;
	erofs_put_inode((uint8_t *)image->inodes.data + index * EROFS_INODE_SIZE, inode);
}

/* One more in the directory being filled; the top directory is in none. */
static void add_child(struct image *image, size_t index, mode_t mode)
{
	struct image_child child = {.nid = EROFS_NID(index), .type = erofs_type(mode)};

	if (image->depth == 0)
		return;
	current(image)->directories += S_ISDIR(mode);
	buf_append(&current(image)->children, &child, sizeof child);
}

static enum fault_code enter(struct image *image, const struct stat *info, struct fault *fault)
{
	struct image_level *level;
	enum fault_code code;
	size_t index;

	code = allocate(image, &index, fault);
	if (code != FAULT_NONE)
		return code;
	/* The walk is no deeper than MANIFEST_DEPTH_MAX, and one level of ours is above it. */
	if (image->depth == sizeof image->levels / sizeof image->levels[0])
		abort();
	add_child(image, index, info->st_mode);
	level = &image->levels[image->depth++];
	*level = (struct image_level){.index = index, .mode = info->st_mode};
	owners_map(image->plan->owners, info, &level->uid, &level->gid);
	buf_init(&level->children, (IMAGE_FILES_MAX + 1) * sizeof(struct image_child));
	return FAULT_NONE;
}

/* "." and ".." have their place among the names: "-" comes before both, "..." behind. */
static enum fault_code add_names(struct image *image, struct directory *directory,
				 const struct names *names, struct fault *fault)
{
	const struct image_level *level = current(image);
	const struct image_level *above = image->depth > 1 ? level - 1 : level;
	const struct image_child *children = (const void *)level->children.data;
	const struct image_child own[] = {{EROFS_NID(level->index), erofs_type(S_IFDIR)},
					  {EROFS_NID(above->index), erofs_type(S_IFDIR)}};
	static const char *const own_names[] = {".", ".."};
	enum fault_code code = FAULT_NONE;
	size_t mine = 0;

	/* Each name was shown, and each that was shown has left a child. */
	if (names->count * sizeof *children != level->children.len)
		abort();
	for (size_t i = 0; code == FAULT_NONE && (i < names->count || mine < 2);) {
		bool first = mine < 2 &&
			     (i == names->count || strcmp(own_names[mine], names_at(names, i)) < 0);
		const char *name = first ? own_names[mine] : names_at(names, i);
		const struct image_child *child = first ? &own[mine++] : &children[i++];

		code = directory_add(directory, image, name, child->nid, child->type, fault);
	}
	return code;
}

static enum fault_code leave(struct image *image, const struct names *names, struct fault *fault)
{
	struct image_level *level = current(image);
	struct directory directory = {.entries.count = 0};
	struct erofs_inode inode = {.mode = level->mode,
				    .uid = level->uid,
				    .gid = level->gid,
				    .links = level->directories + 2,
				    .block = (uint32_t)image->blocks};
	enum fault_code code = add_names(image, &directory, names, fault);

	if (code == FAULT_NONE)
		code = directory_end(&directory, image, &inode.size, fault);
	settle(image, level->index, &inode);
	buf_release(&level->children);
	image->depth--;
	return code;
}

/*
 * What the workload could not open without a machine: root's runs show owners who are not it, so the
 * bits of others decide, here and on the way. A guest's kernel gets the whole device to read, so
 * such a content is hashed and stays out.
 */
static bool is_hidden(const struct image *image, const struct stat *info)
{
	if (image->plan->owners->rule != OWNERS_KEPT)
		return false;
	for (size_t i = 0; i < image->depth; i++)
		if ((image->levels[i].mode & S_IXOTH) == 0)
			return true;
	return (info->st_mode & (S_IROTH | S_IXOTH)) == 0;
}

static enum fault_code start_file(struct image *image, const struct stat *info, struct fault *fault)
{
	enum fault_code code = allocate(image, &image->file_index, fault);

	if (code != FAULT_NONE)
		return code;
	add_child(image, image->file_index, info->st_mode);
	image->file_hidden = S_ISREG(info->st_mode) && is_hidden(image, info);
	image->file_size = (uint64_t)info->st_size;
	image->file = (struct erofs_inode){.mode = info->st_mode,
					   .links = 1,
					   .size = image->file_hidden ? 0 : image->file_size,
					   .block = EROFS_NO_BLOCK};
	if (image->file.size > 0)
		image->file.block = (uint32_t)image->blocks;
	owners_map(image->plan->owners, info, &image->file.uid, &image->file.gid);
	image->file_len = 0;
	return output_fits(image, image->file.size, fault);
}

/* What grows while it is read is refused by whoever reads, once it ends: it may never do. */
static enum fault_code add_data(struct image *image, const void *data, size_t len,
				struct fault *fault)
{
	if (len > image->file_size - image->file_len)
		return fault_set(fault, CODE, image->plan->path,
				 "a file grows while it is read: run again when it is at rest");
	image->file_len += len;
	if (image->file_hidden)
		return FAULT_NONE;
	return output_at(image, image->blocks * EROFS_BLOCK + image->file_len - len, data, len,
			 fault);
}

static enum fault_code end_file(struct image *image, struct fault *fault)
{
	enum fault_code code = output_skip(image, image->file.size, fault);

	settle(image, image->file_index, &image->file);
	return code;
}

static enum fault_code add_link(struct image *image, const struct stat *info, const void *target,
				size_t len, struct fault *fault)
{
	struct stat link = *info;
	enum fault_code code;

	link.st_size = (off_t)len;
	code = start_file(image, &link, fault);
	if (code == FAULT_NONE)
		code = add_data(image, target, len, fault);
	return code == FAULT_NONE ? end_file(image, fault) : code;
}

/* Without content: what it would have there. */
static enum fault_code add_bare(struct image *image, const struct stat *info, uint32_t block,
				struct fault *fault)
{
	struct erofs_inode inode = {.mode = info->st_mode, .links = 1, .block = block};
	enum fault_code code;
	size_t index;

	code = allocate(image, &index, fault);
	if (code != FAULT_NONE)
		return code;
	add_child(image, index, info->st_mode);
	owners_map(image->plan->owners, info, &inode.uid, &inode.gid);
	settle(image, index, &inode);
	return FAULT_NONE;
}

static enum fault_code add_other(struct image *image, const struct stat *info, struct fault *fault)
{
	bool device = S_ISCHR(info->st_mode) || S_ISBLK(info->st_mode);

	return add_bare(image, info, device ? erofs_device(info->st_rdev) : EROFS_NO_BLOCK, fault);
}

/*
 * Nobody may read it here, and nobody there: with one owner for all it loses its permission bits, with
 * owners as they are it is as closed as it was.
 */
static enum fault_code add_closed(struct image *image, const struct stat *info, struct fault *fault)
{
	const struct names none = {.count = 0};
	struct stat closed = *info;
	enum fault_code code;

	if (image->plan->owners->rule == OWNERS_ONE)
		closed.st_mode &= S_IFMT;
	if (!S_ISDIR(closed.st_mode))
		return add_bare(image, &closed, EROFS_NO_BLOCK, fault);
	code = enter(image, &closed, fault);
	return code == FAULT_NONE ? leave(image, &none, fault) : code;
}

void image_begin(struct image *image, const struct image_plan *plan)
{
	memset(image, 0, sizeof *image);
	image->plan = plan;
	image->blocks = 1; /* the superblock's */
	image->inode_count = ROOT_INDEX;
	buf_init(&image->inodes, (IMAGE_FILES_MAX + IMAGE_PART_MAX + 4) * EROFS_INODE_SIZE);
	buf_append(&image->inodes, (const uint8_t[EROFS_INODE_SIZE]){0}, EROFS_INODE_SIZE);
}

static enum fault_code enter_top(struct image *image, struct fault *fault)
{
	const struct stat ours = {.st_mode = S_IFDIR | 0555};
	enum fault_code code = enter(image, &ours, fault);

	/* What is nobody's of the host's has no owner to be mapped. */
	if (code == FAULT_NONE && image->plan->owners->rule != OWNERS_ONE)
		current(image)->uid = current(image)->gid = 0;
	return code;
}

enum fault_code image_visit(void *context, enum manifest_step step, const struct stat *info,
			    const void *data, size_t len, struct fault *fault)
{
	struct image *image = context;
	enum fault_code code = FAULT_NONE;

	/* The top of our own, when the first of the tree comes: root's, or whoever all are. */
	if (image->depth == 0 && image->plan->top != IMAGE_TOP_ROOT)
		code = enter_top(image, fault);
	if (code != FAULT_NONE)
		return code;
	owners_add(image->plan->owners, step, info);
	switch (step) {
	case MANIFEST_ENTER:
		return enter(image, info, fault);
	case MANIFEST_LEAVE:
		return leave(image, data, fault);
	case MANIFEST_FILE:
		return start_file(image, info, fault);
	case MANIFEST_DATA:
		return add_data(image, data, len, fault);
	case MANIFEST_FILE_END:
		return end_file(image, fault);
	case MANIFEST_LINK:
		return add_link(image, info, data, len, fault);
	case MANIFEST_OTHER:
		return add_other(image, info, fault);
	case MANIFEST_UNREADABLE:
		return add_closed(image, info, fault);
	}
	abort();
}

/* The names of what was shown to the top, in the order of their bytes as they are. */
static enum fault_code end_top(struct image *image, struct fault *fault)
{
	size_t count = current(image)->children.len / sizeof(struct image_child);
	char text[IMAGE_PART_MAX * IMAGE_PART_NAME] = "tree";
	size_t starts[IMAGE_PART_MAX] = {0};
	struct names names = {.text = text, .offsets = starts, .count = count};

	if (image->plan->top == IMAGE_TOP_FILE)
		memcpy(text, "file", sizeof "file");
	/* The command line has no more of them, and of the other kinds there is one. */
	if (count > (image->plan->top == IMAGE_TOP_PARTS ? IMAGE_PART_MAX : 1))
		abort();
	for (size_t i = 0; image->plan->top == IMAGE_TOP_PARTS && i < count; i++) {
		starts[i] = i * IMAGE_PART_NAME;
		text[starts[i]] = (char)('0' + i / 10);
		text[starts[i] + 1] = (char)('0' + i % 10);
		text[starts[i] + 2] = '\0';
	}
	return leave(image, &names, fault);
}

enum fault_code image_end(struct image *image, char hash[DIGEST_TEXT_SIZE], uint64_t *bytes,
			  struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	if (image->plan->top != IMAGE_TOP_ROOT)
		code = end_top(image, fault);
	if (code == FAULT_NONE)
		code = output_finish(image, EROFS_NID(ROOT_INDEX), fault);
	if (code != FAULT_NONE)
		return code;
	*bytes = image->blocks * EROFS_BLOCK;
	return output_hash(image, hash, fault);
}

void image_release(struct image *image)
{
	for (size_t i = 0; i < image->depth; i++)
		buf_release(&image->levels[i].children);
	buf_release(&image->inodes);
}
