/* A site file for a command: loaded by the program's catalog, what is wrong with it on standard error. */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include <stdbool.h>

#include "site/plan.h"

/* *out given (plan_free), or NULL. all: warnings are printed too when it loads. 0 or the error of site_load(). */
int load_site_file(const char *path, bool all, struct plan **out);

#endif
