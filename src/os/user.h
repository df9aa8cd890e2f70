/*
 * Users of the machine's that processes run as: found by name, given folders, become. For a supervisor that was started as root and gives
 * each kind of process a user of its own.
 */
#ifndef OS_USER_H
#define OS_USER_H

#include <stddef.h>
#include <stdint.h>

#define USER_GROUPS_MAX	32

struct user {
	uint32_t	uid, gid;
	uint32_t	groups[USER_GROUPS_MAX];	/* further ones, such as dialout for serial lines */
	int		ngroups;
};

/*
 * The user "<spec>-<role>"; spec may also be a number N: then the ids are N + nth, in no further group. 0; ERR_NOTFOUND: there is none;
 * ERR_RANGE: it is root.
 */
int user_find(const char *spec, const char *role, uint32_t nth, struct user *out);
/*
 * A folder is from now on the user's, what is in it too; group: who may read it, UINT32_MAX: nobody else. Nothing happens where both
 * have it already. Symbolic links are not followed, and files with other names elsewhere are left alone. 0 or what the system says.
 */
int user_own(const char *path, uint32_t uid, uint32_t gid, uint32_t group);
/* This folder can be passed through by all (and not be listed). 0 or what the system says. */
int user_let_through(const char *path);
/*
 * Become the user, for good, with no capability left. It still ends with its parent (PR_SET_PDEATHSIG, which the kernel forgets when a process
 * changes its user). 0 or ERR_DENIED: it takes root.
 */
int user_become(const struct user *u);

#endif
