/* Who we are on this machine: for texts that name a person or a host, and for commands that root gives on a service's files. */
#ifndef OS_WHO_H
#define OS_WHO_H

#include <stddef.h>

/* This machine's name without its domain, "localhost" if it has none. Into out, always NUL-ended. */
void who_host(char *out, size_t size);
/* The person at the terminal: the user's name, behind sudo the one who called it; "uid 1234" without a name. */
void who_user(char *out, size_t size);
/*
 * Root gives up its rights for those of the owner of `path`, for good: what is then written belongs to the service that
 * runs there and can be read by it. Of root's capabilities only that to read files and to pass folders stays. Nothing
 * happens for anybody else, or when root owns it. 0 or what the system says.
 */
int who_become_owner(const char *path);

#endif
