/*
 * Certificates that end soon are said in the log, by the process that uses them, at its start and once a day: own ones, trusted ones, issuers and
 * their revocation lists, from PKI_DAYS_WARN days ahead. `penstock cert list` shows the same.
 */
#ifndef PROC_CERTS_H
#define PROC_CERTS_H

#include <uv.h>

#include "ring/channel.h"

/* For field and office; other roles have none, and nothing happens. Once a process. */
void certs_watch(uv_loop_t *loop, enum role role, const char *state_dir);

#endif
