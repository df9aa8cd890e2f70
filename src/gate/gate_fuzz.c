/*
 * Gate against processes that were taken over: a field that writes any bytes into its ring, or well-formed batches of
 * nonsense, and an office that reports anything. The input is a script of steps, each an op, a 16-bit length and that
 * many bytes:
 *
 *	B	a record of a ring, as it stands		R	a report: message type, payload
 *	S	a batch made of samples described below		P	put the other of two plans in force
 *	T	seconds pass (one byte)				G	start a new gate over the same disk
 *
 * A sample of S: tag, type, status, flags, 1 byte each; seconds (signed byte) for each of the three times; value, 8
 * bytes. Whatever comes, gate must not leave its memory, and in the end the streams can be read and their ledgers
 * balance.
 */
#include "base/log.h"
#include "gate/rig.h"
#include "os/disk_sim.h"
#include "ring/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct disk_sim		*sim;
	struct gate		*gate;
	struct rig_ring		 ring;
	int64_t			 t;		/* seconds */
	int			 plan;
	uint64_t		 seq[2];
};

static struct plan *
some_plan(int which)
{
	struct plan *p = rig_plan();
	static const uint8_t types[] = { VALUE_F64, VALUE_I64, VALUE_TEXT, VALUE_U16 | VALUE_ARRAY };

	for (uint32_t i = 0; i < p->ntags; i++)
		p->tags[i].type = types[i % 4];
	rig_flow(p, "every", 1, 3, 1, REDUCE_EVERY);
	struct flow *f = rig_flow(p, "change", 1, 3, 3, REDUCE_ON_CHANGE);
	f->change = which == 0 ? CHANGE_OF_VALUE : CHANGE_ABSOLUTE;
	f->deadband = 0.1;
	f->at_least_every_ns = 5 * NS_PER_S;
	f = rig_flow(p, "window", 1, 1, 1, REDUCE_WINDOW);
	f->window_ns = 3 * NS_PER_S;
	f = rig_flow(p, which == 0 ? "door" : "other", 1, 3, 2, REDUCE_SWINGING_DOOR);
	f->door = 1;
	rig_flow(p, "shared", (uint32_t)which + 1, 2, 1, REDUCE_EVERY)->latency_ns = 2 * NS_PER_S;
	return p;
}

static void
start(struct world *w)
{
	struct gate_opts o = { .spool_dir = "/spool", .disk = disk_sim_table(w->sim) };
	struct ring_reader *r;

	if (gate_new(&o, &w->gate) != 0 || ring_open(w->ring.fd, &r) != 0)
		abort();
	gate_plan(w->gate, some_plan(w->plan), (struct mono){ w->t * NS_PER_S },
	    (struct wall){ RIG_T0 + w->t * NS_PER_S });
	gate_ring(w->gate, "field:a", r);
}

static void
turn(struct world *w)
{
	for (int i = 0; i < 4; i++)
		gate_turn(w->gate, (struct mono){ w->t * NS_PER_S }, (struct wall){ RIG_T0 + w->t * NS_PER_S });
}

static void
raw_record(struct world *w, const uint8_t *p, size_t len)
{
	uint8_t *to = ring_reserve(w->ring.w, len);

	if (to == NULL || len == 0)
		return;
	memcpy(to, p, len);
	ring_commit(w->ring.w, len, 1);
}

static struct wall
near_time(const struct world *w, uint8_t off)
{
	return (struct wall){ off == 0x80 ? 0 : RIG_T0 + (w->t + (int8_t)off) * NS_PER_S };
}

static void
made_batch(struct world *w, struct reader *r)
{
	static const uint32_t status[] = { 0, (uint32_t)STATUS_BadTimeout, (uint32_t)STATUS_UncertainLastUsableValue,
	    (uint32_t)STATUS_BadNoData };
	uint8_t source = rd_u8(r) & 1;
	struct batch_head h = { .source_key = RIG_KEY(source), .seq = ++w->seq[source], .blob_len = 64 };
	struct sample s[64];

	while (rd_left(r) >= 15 && h.n < 64) {
		struct sample *x = &s[h.n++];
		*x = (struct sample){ .tag = rd_u8(r) & 7, .v.type = rd_u8(r), .status = status[rd_u8(r) & 3] };
		x->flags = rd_u8(r) & 15;
		x->source = near_time(w, rd_u8(r));
		x->server = near_time(w, rd_u8(r));
		x->arrival = near_time(w, rd_u8(r));
		x->v.u = rd_le64(r);
		if (value_has_bytes(x->v.type)) {
			x->v.len = (uint32_t)(x->v.u & 7) * 2;
			x->v.u = x->v.u >> 8 & 31;
		}
	}
	uint8_t *to = ring_reserve(w->ring.w, batch_size(h.n, h.blob_len));
	if (to == NULL)
		return;
	memcpy(to, &h, sizeof h);
	memcpy(to + sizeof h, s, h.n * sizeof s[0]);
	memset(to + sizeof h + h.n * sizeof s[0], 'x', h.blob_len);
	ring_commit(w->ring.w, batch_size(h.n, h.blob_len), h.n);
}

static void
step(struct world *w, uint8_t op, struct reader *r)
{
	const struct mono now = { w->t * NS_PER_S };
	const struct wall wall = { RIG_T0 + w->t * NS_PER_S };
	enum msg_type type;
	size_t len;

	switch (op) {
	case 'B':
		len = rd_left(r);
		raw_record(w, rd_bytes(r, len), len);
		break;
	case 'S':
		made_batch(w, r);
		break;
	case 'T':
		w->t += rd_u8(r);
		break;
	case 'R':
		type = (enum msg_type)(MSG_DELIVERED + rd_u8(r) % 7);
		len = rd_left(r);
		gate_report(w->gate, type, rd_bytes(r, len), len, now, wall);
		break;
	case 'P':
		w->plan ^= 1;
		gate_plan(w->gate, some_plan(w->plan), now, wall);
		break;
	case 'G':
		gate_free(w->gate);
		start(w);
		break;
	default:
		break;
	}
}

/* Every stream reads from end to end, and for every sink the account balances. */
static void
check_stream(void *arg, const char *dir, const char *flow, uint32_t schema)
{
	struct world *w = arg;
	struct spool_reader *r = NULL;
	struct ledger_account *a = malloc(sizeof *a);
	struct spool_batch b;
	struct spool_damage d;
	struct buf where = { 0 };
	char path[300];
	(void)flow;
	(void)schema;

	snprintf(path, sizeof path, "/spool/%s", dir);
	if (a == NULL || ledger_read(path, disk_sim_table(w->sim), a, &where) != 0)
		abort();
	for (uint32_t i = 0; i < a->nsinks; i++) {
		const struct ledger_sink *s = &a->sinks[i];
		if (s->owed != s->delivered + s->pending + s->quarantined + s->dropped)
			abort();
	}
	if (spool_reader_open(path, 0, disk_sim_table(w->sim), &r) != 0)
		abort();
	int err = 0;
	for (uint64_t next = 1; (err = spool_next(r, &b, &d)) == 0; next += b.n)
		if (b.first != next)
			abort();
	if (err != ERR_AGAIN)
		abort();
	spool_reader_close(r);
	buf_fini(&where);
	free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { .sim = disk_sim_new(), .t = 1000 };
	struct reader r = rd_init(data, size);

	log_open("gate_fuzz", LOG_LEVEL_ERROR);
	if (w.sim == NULL || ring_create("fuzz", 1 << 18, &w.ring.w, &w.ring.fd) != 0)
		abort();
	start(&w);
	for (int n = 0; n < 200 && rd_left(&r) >= 3; n++) {
		uint8_t op = rd_u8(&r);
		size_t len = rd_le16(&r);
		struct reader part = rd_sub(&r, len < rd_left(&r) ? len : rd_left(&r));
		step(&w, op, &part);
		turn(&w);
	}
	for (int i = 0; i < 100 && gate_drain(w.gate, (struct mono){ w.t * NS_PER_S },
	    (struct wall){ RIG_T0 + w.t * NS_PER_S }) != 0; i++)
		;
	spool_streams("/spool", disk_sim_table(w.sim), check_stream, &w);
	gate_free(w.gate);
	rig_ring_free(&w.ring);
	disk_sim_free(w.sim);
	return 0;
}
