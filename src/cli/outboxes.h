/* The outboxes below a state directory, found by their files, and what is printed of them. */
#ifndef CLI_OUTBOXES_H
#define CLI_OUTBOXES_H

#include "base/json.h"
#include "outbox/look.h"

#define OUTBOXES_MAX 64

struct outbox_name {
	char	sink[64];
	char	path[4300];
};
/* Those of a sink (NULL: of all), in order of name. How many, or a negative error when the directory cannot be read. */
int outboxes_find(const char *state_dir, const char *sink, struct outbox_name v[OUTBOXES_MAX]);

/*
 * The accounts of all that can be read, as an array of {"sink": ..., counts}, or as lines. Returns how many do not add
 * up (0 is right); what cannot be read is left out.
 */
size_t outboxes_json(const char *state_dir, struct json *j);
size_t outboxes_print(const char *state_dir);
/* Lines under a sink in `penstock ledger` and above `penstock outbox list`: the account, then what somebody should know. */
void outbox_print_counts(const struct outbox_counts *c, const char *indent);
/* Members of an object that is open. */
void outbox_json_counts(struct json *j, const struct outbox_counts *c);
/* One event: a line of a table (head first), or a line of JSON; whole: with its event. */
void outbox_print_head(void);
void outbox_print_line(const struct outbox_item *i);
void outbox_json_item(struct json *j, const struct outbox_item *i, bool whole);
/* Text of foreigners: control bytes do not reach the terminal. */
void outbox_print_safe(const char *s);

#endif
