/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_REPORT_H
#define CMD_REPORT_H

/*
 * The verbs of safe-run report, one file each. argv[0] is the verb's name; the return value is the
 * exit status (cmd/verb.h).
 */
int report_verify(char **argv);	 /* report_verify.c */
int report_inspect(char **argv); /* report_inspect.c */

#define REPORT_VERIFY_SYNOPSIS	"[--json] FILE"
#define REPORT_INSPECT_SYNOPSIS "[--html OUT] [--events] [--ascii] FILE"

#endif
