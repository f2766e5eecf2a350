/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_INDEX_FILES_H
#define ARCHIVE_INDEX_FILES_H

/*
 * The file system as SQLite sees it: the working directory, which is the archive, is "/", and there
 * is nothing else. So no path is looked up from the real root, none is followed through a link, and
 * the archive may lie as deep as it likes. SQLITE_OK, or an SQLite code.
 */
int index_files_register(void);

#endif
