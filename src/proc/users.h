/*
 * A user of its own for each kind of process (`users` of the section security): what a taken-over office could still do as the user of gate, it
 * cannot as its own. The supervisor stays root; each child, before it enters the rest of its cage, gives all folders to those who write
 * them, so that the order of starting does not matter, and becomes its user.
 *
 *	STATE			root, passed through by all
 *	STATE/spool		gate; group of office, which reads it
 *	STATE/audit, gate	gate alone
 *	STATE/office, pki/it	office alone
 *	...			as the table in cages.c says
 */
#ifndef PROC_USERS_H
#define PROC_USERS_H

#include <stddef.h>
#include <stdint.h>

#include "ring/channel.h"

/* writers: a set of roles, the first of which is the owner; none: it is only passed through. readers: the group is that of the first. */
struct users_folder {
	const char	*dir, *name;	/* dir/name, or dir where name is "" */
	uint32_t	 writers, readers;
};

/* 0, or an error that was logged; then the process must not run. As root. */
int users_enter(const char *spec, enum role role, const char *state_dir, const struct users_folder *v, size_t n);

#endif
