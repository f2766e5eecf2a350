/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPORT_SENSITIVE_H
#define EXPORT_SENSITIVE_H

/*
 * Files that something runs or obeys without being asked: a hook, a shell's start-up file, a CI's
 * configuration. Whoever takes a tree from a stranger looks at these first. What a person starts by
 * name (Makefile, package.json, a script) is not among them.
 *
 * path is relative. Returns why it is one, "git runs it", or NULL. Letters count as the same in
 * either case: there are file systems that hold them for one.
 */
const char *sensitive_reason(const char *path);

#endif
