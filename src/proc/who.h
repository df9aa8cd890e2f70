/*
 * Who is at the other end of the control socket, as the kernel says: user and groups of the process that connected.
 * The supervisor asks when a request comes and puts it before the arguments that gate gets, so nobody can say he is
 * somebody else.
 *
 *	"user\ngroup\ngroup..."; a user or group without a name is "uid 1000", "gid 1000"
 */
#ifndef PROC_WHO_H
#define PROC_WHO_H

#include <stddef.h>

#include "model/request.h"

#define WHO_MAX		2048u
#define WHO_GROUPS_MAX	REQUEST_ROLES_MAX

/* 0, or an error of the kernel. */
int who_is(int fd, char *out, size_t size);

struct who {
	char		 text[WHO_MAX];
	const char	*user, *groups[WHO_GROUPS_MAX];
	uint32_t	 ngroups;
};
void who_parse(const char *text, struct who *out);

#endif
