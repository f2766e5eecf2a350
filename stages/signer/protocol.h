/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIGNER_PROTOCOL_H
#define SIGNER_PROTOCOL_H

/*
 * What sr-seal and sr-signer say to each other over a unix socket of type SOCK_SEQPACKET, one
 * record a packet (safe-run-ipc(7), THE SIGNER):
 *
 *   signer: {"algorithm","keyid","schemaVersion":"safe-run.signer/v1","where":"run"|"service"}
 *   seal:   the in-toto Statement, canonical
 *   signer: {"signature":"<base64>"} and hangs up
 *
 * or, at either turn of the signer's, {"errors":[{code,message,path}]}.
 */
#define SIGNER_SCHEMA	     "safe-run.signer/v1"
#define SIGNER_WHERE_RUN     "run"     /* a process of this run's own, started by safe-run run */
#define SIGNER_WHERE_SERVICE "service" /* safe-run signer, which outlives runs */
#define SIGNER_ANSWER_MAX    4096      /* bytes of a packet of the signer's */

#endif
