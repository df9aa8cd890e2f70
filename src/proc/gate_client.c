/* See gate_client.h. */
#include "proc/gate_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "os/clock.h"
#include "proc/who.h"

#define LIST_MOST	100u

struct gate_client {
	struct gate_requests	*gate;
	struct client		*c;
	uint64_t		 token;
	bool			 wait;	/* until it is over */
};

struct asked {
	struct who	 who;
	struct mono	 deadline;
	const char	*key, *note;
	bool		 wait;
	int		 argc;		/* from the verb on */
	const char *const *argv;
};

static void
reply(struct client *c, struct buf *b)
{
	if (b->err != 0 || !client_reply(c, buf_text(b), b->len))
		log_warn("answer_not_given", "bytes=%zu", b->len);
	buf_fini(b);
}

static void
reply_error(struct client *c, const char *code, const char *text)
{
	struct buf b = { 0 };
	struct json j = { .out = &b };

	json_open(&j, '{');
	json_key_text(&j, "error", text);
	if (*code != '\0')
		json_key_text(&j, "reason", code);
	json_close(&j, '}');
	buf_putc(&b, '\n');
	reply(c, &b);
	client_end(c);
}

static void
put_result(struct json *j, const struct request_result *r)
{
	json_open(j, '{');
	json_key_u64(j, "id", r->id);
	json_key_text(j, "state", request_state_name(r->state));
	if (*r->code != '\0')
		json_key_text(j, "reason", r->code);
	if (*r->text != '\0')
		json_key_text(j, "why", r->text);
	if (r->readback.type != VALUE_NULL) {
		json_key(j, "readback");
		value_json(j, &r->readback);
	}
	if (r->nresults > 0) {
		json_key(j, "results");
		json_open(j, '[');
		for (uint32_t i = 0; i < r->nresults; i++)
			value_json(j, &r->results[i]);
		json_close(j, ']');
	}
	json_close(j, '}');
}

bool
gate_client_tell(struct gate_client *k, const struct request_result *r)
{
	struct buf b = { 0 };
	struct json j = { .out = &b };
	bool over = request_state_final(r->state) || !k->wait;

	put_result(&j, r);
	buf_putc(&b, '\n');
	reply(k->c, &b);
	if (!over)
		return false;
	client_on_gone(k->c, NULL, NULL);
	client_end(k->c);
	free(k);
	return true;
}

static void
on_gone(void *arg)
{
	struct gate_client *k = arg;

	gate_requests_forget(k->gate, k->token);
	free(k);
}

static struct gate_client *
waiting(struct gate_requests *g, struct client *c, bool wait)
{
	struct gate_client *k = calloc(1, sizeof *k);

	if (k == NULL)
		fatal("out_of_memory", "what=client");
	k->gate = g;
	k->c = c;
	k->wait = wait;
	k->token = gate_requests_token(g, k);
	client_on_gone(c, on_gone, k);
	return k;
}

/* What is typed at a command line: a number, true or false, else a text. A tag's own type is gate's affair. */
static struct value
typed(const char *s, bool plain)
{
	struct value v = { .type = VALUE_TEXT, .len = (uint32_t)strlen(s), .p = s };
	double d;
	int64_t i;

	if (plain)
		return v;
	if (strcmp(s, "true") == 0 || strcmp(s, "false") == 0)
		return (struct value){ .type = VALUE_BOOL, .b = *s == 't' };
	if (num_parse_i64(s, v.len, &i) == 0)
		return (struct value){ .type = VALUE_I64, .i = i };
	if (num_parse_f64(s, v.len, '.', &d) == 0)
		return (struct value){ .type = VALUE_F64, .f64 = d };
	return v;
}

static void
ask(struct gate_requests *g, struct requests *r, struct client *c, const struct asked *a)
{
	struct value args[REQUEST_ARGS_MAX];
	int kind = request_kind_parse(a->argv[0]);
	struct request q = { .kind = (enum request_kind)kind, .target = a->argv[1], .method = "", .event = "",
	    .args = args, .from = "cli",
	    .user = a->who.user, .nroles = a->who.ngroups, .key = a->key, .note = a->note, .deadline = a->deadline };
	int first = kind == REQUEST_WRITE ? 2 : 3;

	for (uint32_t i = 0; i < a->who.ngroups; i++)
		q.roles[i] = a->who.groups[i];
	if (kind == REQUEST_CALL)
		q.method = a->argv[2];
	else if (kind == REQUEST_ACK)
		q.event = a->argv[2];
	for (int i = first; i < a->argc && q.nargs < REQUEST_ARGS_MAX; i++)
		args[q.nargs++] = typed(a->argv[i], kind == REQUEST_WRITE);
	/* As a message it must be one that could be passed on, and one that the log can hold. */
	static uint8_t bytes[REQUEST_BYTES_MAX];
	struct writer w = wr_init(bytes, sizeof bytes);
	struct arena mem = { 0 };
	struct request whole;
	request_pack(&w, &q);
	struct reader back = rd_init(bytes, wr_len(&w));
	if (w.err != 0 || request_unpack(&back, &mem, &whole) != 0)
		reply_error(c, "", "the request is too long, or is no valid text");
	else
		requests_ask(r, waiting(g, c, a->wait)->token, &whole, boot_now(), wall_now());
	arena_fini(&mem);
}

static void
confirm(struct gate_requests *g, struct requests *r, struct client *c, const struct asked *a, uint64_t id)
{
	struct request_person p = { .from = "cli", .user = a->who.user, .roles = a->who.groups,
	    .nroles = a->who.ngroups };
	struct gate_client *k = waiting(g, c, a->wait);
	enum request_reason why;

	int err = requests_confirm(r, k->token, id, &p, &why, boot_now(), wall_now());
	if (err == 0)
		return;
	gate_requests_forget(g, k->token);
	client_on_gone(c, NULL, NULL);
	free(k);
	if (err == ERR_NOTFOUND)
		reply_error(c, "", "no request of this number waits for a second person (any more)");
	else
		reply_error(c, request_reason_code(why), request_reason_text(why));
}

static void
cancel(struct requests *r, struct client *c, const struct asked *a, uint64_t id)
{
	struct request_person p = { .from = "cli", .user = a->who.user, .roles = a->who.groups,
	    .nroles = a->who.ngroups };
	struct buf b = { 0 };
	enum request_reason why;

	int err = requests_cancel(r, id, &p, &why, wall_now());
	if (err == ERR_NOTFOUND)
		reply_error(c, "", "no request of this number waits (any more): what was sent cannot be called back");
	else if (err != 0)
		reply_error(c, request_reason_code(why), request_reason_text(why));
	else {
		requests_show(r, id, 1, boot_now(), &b);
		reply(c, &b);
		client_end(c);
	}
}

static void
show(struct requests *r, struct client *c, uint64_t id, uint32_t most)
{
	struct buf b = { 0 };

	if (!requests_show(r, id, most, boot_now(), &b) && id != 0) {
		reply_error(c, "", "no request of this number is known; older ones stand in the audit log (penstock "
		    "audit show)");
		return;
	}
	reply(c, &b);
	client_end(c);
}

/* The options before the verb. False: one of them is none. */
static bool
options(int argc, const char *const *argv, struct asked *a)
{
	int i = 1;

	*a = (struct asked){ .key = "", .note = "" };
	who_parse(argv[0], &a->who);
	for (; i < argc; i++) {
		int64_t ns;
		if (strncmp(argv[i], "deadline=", 9) == 0 && num_parse_i64(argv[i] + 9, strlen(argv[i] + 9),
		    &ns) == 0 && ns > 0)
			a->deadline.ns = ns;
		else if (strncmp(argv[i], "key=", 4) == 0)
			a->key = argv[i] + 4;
		else if (strncmp(argv[i], "note=", 5) == 0)
			a->note = argv[i] + 5;
		else if (strcmp(argv[i], "wait") == 0)
			a->wait = true;
		else
			break;
	}
	a->argc = argc - i;
	a->argv = argv + i;
	return a->argc > 0;
}

void
gate_client_serve(struct gate_requests *g, struct requests *r, struct client *c, int argc, const char *const *argv)
{
	struct asked a;
	uint64_t n = 0;

	bool good = argc > 1 && options(argc, argv, &a);
	const char *verb = good ? a.argv[0] : "";
	bool number = good && a.argc == 2 && num_parse_u64(a.argv[1], strlen(a.argv[1]), &n) == 0;
	if (good && ((strcmp(verb, "write") == 0 && a.argc == 3) || (strcmp(verb, "call") == 0 && a.argc >= 3) ||
	    (strcmp(verb, "ack") == 0 && a.argc == 3)))
		ask(g, r, c, &a);
	else if (number && strcmp(verb, "list") == 0)
		show(r, c, 0, n < LIST_MOST ? (uint32_t)n : LIST_MOST);
	else if (number && strcmp(verb, "show") == 0)
		show(r, c, n, 1);
	else if (number && strcmp(verb, "confirm") == 0)
		confirm(g, r, c, &a, n);
	else if (number && strcmp(verb, "cancel") == 0)
		cancel(r, c, &a, n);
	else
		reply_error(c, "", "the running penstock does not understand this request; is it of another version "
		    "than the command?");
}
