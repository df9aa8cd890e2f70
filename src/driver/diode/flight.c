/*
 * What gate may have and has no receipt yet. Over a link such a batch would come again; here it does not, so before a batch or a loss goes into the ring its
 * receipt-to-be is written to <state>/link/<source>/<stream id>.flight (rows as of receipts.h, without a sync). Who dies when:
 *
 *	this process	The file stands. The next one asks gate how far it is (gate/origin.c): rows up to there become receipts, those behind were never
 *			taken and count as lost when the next number comes. Datagrams that come meanwhile wait in the socket and in memory.
 *	gate		It reads the ring again, or is given again what it has not confirmed: copies are kept here until then.
 *	the node	The file may lack its newest rows. What gate has beyond them is entered as received, without its hashes.
 *
 * So each number is received or lost, once. The file is written anew when it is long.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "driver/diode/diode_int.h"

#define ROWS_MAX	4096u

static int
path_of(const struct diode_in *d, const struct upstream *u, const char *suffix, char out[DISK_PATH_MAX])
{
	return snprintf(out, DISK_PATH_MAX, "%s/%016llx.%s", d->dir, (unsigned long long)u->id, suffix) >= (int)DISK_PATH_MAX ? ERR_LIMIT : 0;
}

/* Rows of the life before that have no receipt. A torn one ends them. */
static int
recall(struct flight *f, const struct upstream *u, uint64_t size)
{
	uint8_t row[RECEIPT_ROW];
	uint64_t last = u->receipts->n > 0 ? u->receipts->newest[u->receipts->n - 1].last : 0;
	uint32_t generation = u->receipts->n > 0 ? u->receipts->newest[u->receipts->n - 1].generation : 0;
	struct receipt v;

	f->old = calloc(PENDING_MAX, sizeof *f->old);
	if (f->old == NULL)
		return ERR_NOMEM;
	for (; f->rows < size / RECEIPT_ROW; f->rows++) {
		int err = disk_read_all(&disk_os, f->fd, row, sizeof row, f->rows * RECEIPT_ROW);
		if (err != 0)
			return err;
		if (receipt_get(row, &v) != 0)
			break;
		if (v.generation < generation || (v.generation == generation && v.last <= last))
			continue;
		/* Given anew: what the generation before still had on its way is over. */
		if (v.generation > generation) {
			generation = v.generation;
			last = 0;
			f->nold = 0;
		}
		if (f->nold < PENDING_MAX)
			f->old[f->nold++] = v;
	}
	return 0;
}

int
flight_open(struct diode_in *d, struct upstream *u)
{
	struct flight *f = calloc(1, sizeof *f);
	char path[DISK_PATH_MAX];
	struct disk_stat st = { 0 };

	if (f == NULL)
		return ERR_NOMEM;
	f->fd = f->claim_fd = -1;
	u->user = f;
	int err = path_of(d, u, "sent", path);
	if (err == 0 && (f->claim_fd = disk_os.open(disk_os.ctx, path, DISK_READ | DISK_WRITE | DISK_CREATE)) < 0)
		err = f->claim_fd;
	if (err == 0 && claim_read(&disk_os, path, &f->claim) != 0)
		f->claim = (struct claim){ 0 };	/* a new one, or torn: the next beacon says it again */
	if (err == 0)
		err = path_of(d, u, "flight", path);
	if (err == 0 && (f->fd = disk_os.open(disk_os.ctx, path, DISK_READ | DISK_WRITE | DISK_CREATE)) < 0)
		err = f->fd;
	if (err == 0)
		err = disk_os.fstat(disk_os.ctx, f->fd, &st);
	if (err == 0)
		err = recall(f, u, st.size);
	if (err == 0 && f->nold > 0 && f->old[0].generation != u->generation)
		upstream_begin(&d->us, u, f->old[0].generation, 0);
	return err;
}

void
flight_close(struct upstream *u)
{
	struct flight *f = u->user;

	if (f == NULL)
		return;
	if (f->fd >= 0)
		disk_os.close(disk_os.ctx, f->fd);
	if (f->claim_fd >= 0)
		disk_os.close(disk_os.ctx, f->claim_fd);
	free(f->old);
	free(f);
	u->user = NULL;
}

void
flight_begins(void *arg, const struct pending *p)
{
	struct diode_in *d = arg;
	struct flight *f = p->up->user;
	uint8_t row[RECEIPT_ROW];
	unsigned long left_out;

	receipt_put(&p->r, row);
	int err = disk_write_all(&disk_os, f->fd, row, sizeof row, f->rows * RECEIPT_ROW);
	if (err == 0)
		f->rows++;
	else if (log_limit_ok(&d->quiet, d->us.moved, &left_out))
		log_error("diode_flight", "source=\"%s\" flow=\"%s\" error=\"%s\" effect=\"should this process die now, what is on its way counts as received without its "
		    "hash\" left_out=%lu", d->s->name, p->up->flow, err_text(err), left_out);
}

void
flight_tidy(struct diode_in *d, struct upstream *u)
{
	struct flight *f = u->user;
	struct buf out = { 0 };
	char path[DISK_PATH_MAX];
	uint8_t row[RECEIPT_ROW];

	if (f == NULL || f->asking || f->rows < ROWS_MAX || path_of(d, u, "flight", path) != 0)
		return;
	for (uint32_t i = 0; i < d->us.npending; i++)
		if (d->us.pending[i].up == u) {
			receipt_put(&d->us.pending[i].r, row);
			buf_put(&out, row, sizeof row);
		}
	int err = out.err != 0 ? out.err : disk_replace(&disk_os, path, buf_text(&out), out.len);
	int fd = err == 0 ? disk_os.open(disk_os.ctx, path, DISK_READ | DISK_WRITE) : err;
	if (fd >= 0) {
		disk_os.close(disk_os.ctx, f->fd);
		f->fd = fd;
		f->rows = out.len / RECEIPT_ROW;
	} else
		log_warn("diode_flight", "source=\"%s\" file=\"%s\" error=\"%s\" effect=\"it grows, and is shortened later\"", d->s->name, path, err_text(fd));
	buf_fini(&out);
}

void
flight_ask(struct diode_in *d, struct upstream *u, struct mono now)
{
	struct flight *f = u->user;
	struct driver_numbers no = { .origin = u->origin, .no = u->base, .prev = u->base, .base = u->base, .kind = NUMBERS_ASK };

	f->asking = true;
	f->asked_at = now;
	d->h->numbered(d->h, 0, NULL, 0, &no);
}

/* The rows that gate has, as receipts; what of one was not taken is cut off, and what no row tells of is added. */
static uint32_t
settle(struct flight *f, struct upstream *u, uint64_t no, struct wall wall)
{
	uint64_t have = u->receipts->n > 0 && u->receipts->newest[u->receipts->n - 1].generation == u->generation ? u->receipts->newest[u->receipts->n - 1].last : u->start;
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->nold && f->old[i].first <= no; i++) {
		struct receipt r = f->old[i];
		r.when = wall;
		if (r.last > no) {
			r.last = no;
			r.samples = no - r.first + 1;
			r.flags = (r.flags & ~(uint32_t)RECEIPT_CHAINED) | RECEIPT_GAP;
		}
		have = r.last;
		f->old[n++] = r;
	}
	if (no > have && n < PENDING_MAX)
		f->old[n++] = (struct receipt){ .first = have + 1, .last = no, .samples = no - have, .when = wall, .sealed = wall, .generation = u->generation,
		    .flags = RECEIPT_GAP };
	return n;
}

void
flight_answered(struct diode_in *d, struct upstream *u, uint64_t no, struct wall wall)
{
	struct flight *f = u->user;
	uint32_t n = no > u->base || f->nold > 0 ? settle(f, u, no, wall) : 0;
	int err = n > 0 ? receipts_add(u->receipts, f->old, n) : 0;

	if (err != 0) {
		log_error("link_receipts", "source=\"%s\" flow=\"%s\" file=\"%s\" error=\"%s\" effect=\"nothing is taken until it can be written\"", d->s->name, u->flow,
		    u->receipts->path, err_text(err));
		return;		/* it is asked again */
	}
	log_info("diode_goes_on", "source=\"%s\" flow=\"%s\" received=%llu", d->s->name, u->flow, (unsigned long long)no);
	u->newest = n > 0 ? f->old[n - 1].sealed : u->newest;
	u->emitted = u->base = no > u->base ? no : u->base;
	f->nold = 0;
	f->asking = false;
}
