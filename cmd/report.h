/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_REPORT_H
#define CMD_REPORT_H

/*
 * The verbs of safe-run report, one file each. argv[0] is the verb's name; the return value is the
 * exit status (cmd/verb.h).
 */
int report_verify(char **argv);	      /* report_verify.c */
int report_inspect(char **argv);      /* report_inspect.c */
int report_prove(char **argv);	      /* report_prove.c */
int report_verify_event(char **argv); /* report_prove.c */

#define REPORT_PROVE_SYNOPSIS "[--out PROOF] FILE N"
#define REPORT_VERIFY_EVENT_SYNOPSIS                                                               \
	"[--json] [--report FILE] [--root HASH] [--bundle FILE] [--key PUB] PROOF"
#define REPORT_VERIFY_SYNOPSIS                                                                     \
	"[--key PUB]... [--trust-dir DIR]... [--require TIER] [OPTION]... FILE"
#define REPORT_INSPECT_SYNOPSIS                                                                    \
	"[--html OUT] [--events] [--ascii] [--key PUB] [--trust-dir DIR] [--archive DIR] FILE"

#endif
