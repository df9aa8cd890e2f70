/*
 * `penstock status --security`: what is in force on each process. The kernel's word (seccomp, capabilities, network
 * namespace) is read by the supervisor from /proc; Landlock shows nowhere, so there the process's own self-test counts:
 * it tried what must not work.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/status_show.h"

static json_int_t
num(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static const json_t *
cage_of(const json_t *proc)
{
	const json_t *o;
	size_t i;

	json_array_foreach(json_object_get(proc, "objects"), i, o) {
		const char *kind = json_string_value(json_object_get(o, "kind"));
		if (kind != NULL && strcmp(kind, "cage") == 0)
			return o;
	}
	return NULL;
}

static const char *
network(const json_t *proc, const json_t *kernel, json_int_t supervisor)
{
	const char *role = json_string_value(json_object_get(proc, "role"));
	bool outside = role != NULL && (strcmp(role, "field") == 0 || strcmp(role, "office") == 0);

	if (num(kernel, "netns") == supervisor)
		return outside ? "shared" : "no sockets";
	return outside ? "own" : "own, empty";
}

static void
row(const json_t *proc, json_int_t supervisor)
{
	const json_t *k = json_object_get(proc, "kernel"), *c = cage_of(proc);
	const char *name = json_string_value(json_object_get(proc, "name"));
	char files[32] = "no", tested[48] = "not tested", user[32];

	if (k == NULL || !json_is_true(json_object_get(k, "known"))) {
		printf("%-24s not running, or the kernel does not say\n", name != NULL ? name : "?");
		return;
	}
	if (c != NULL && num(c, "files") != 0)
		snprintf(files, sizeof files, "Landlock %d", (int)num(c, "landlock"));
	if (c != NULL && num(c, "tried") > 0)
		snprintf(tested, sizeof tested, "%d of %d held", (int)(num(c, "tried") - num(c, "worked")), (int)num(c, "tried"));
	snprintf(user, sizeof user, "%d%s", (int)num(k, "uid"), c != NULL && num(c, "own_user") != 0 ? " own" : "");
	printf("%-24s %-11s %-9s %-13s %-12s %-11s %s\n", name != NULL ? name : "?", user,
	    num(k, "seccomp") == 2 && c != NULL && num(c, "calls") != 0 ? "filter" : "NONE",
	    num(k, "capabilities") == 0 && json_is_true(json_object_get(k, "no_new_privs")) ? "none" : "SOME", files,
	    network(proc, k, supervisor), tested);
}

void
status_show_security(const json_t *root)
{
	const json_t *procs = json_object_get(root, "processes"), *p;
	json_int_t supervisor = num(json_object_get(root, "kernel"), "netns");
	size_t i;

	printf("%-24s %-11s %-9s %-13s %-12s %-11s %s\n", "PROCESS", "UID", "CALLS", "CAPABILITIES", "FILES",
	    "NETWORK", "SELF-TEST");
	json_array_foreach(procs, i, p)
		row(p, supervisor);
	printf("\nCALLS and CAPABILITIES as the kernel says. SELF-TEST: attempts that must fail (other files, sockets, namespaces, processes) and did.\n"
	    "UID: own = a user that no other kind of process is (`users`). NETWORK: own = a namespace of its zone (`netns`); shared = that of the supervisor; no sockets = none can be made.\n");
}
