/*
 * See diode_fec.h. To rebuild e lost data symbols takes e repair symbols. With A the repair rows of the matrix, E the lost columns, R the rows in hand:
 *
 *	repair[R] = A[R][there] data[there] + A[R][E] data[E]
 *	data[E]   = B repair[R] + B A[R][there] data[there],	B the inverse of A[R][E]
 *
 * so only an e x e matrix is inverted, never one of k x k (51 ms for k = 200), and the last one is kept: a burst over interleaved blocks takes
 * the same symbols of each.
 */
#include "proto/diode/diode_fec.h"

#include <isa-l/erasure_code.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define TABLE	32u	/* bytes that ISA-L keeps for a coefficient */

struct diode_fec {
	uint32_t	k, p;
	uint8_t		*matrix;	/* [(k + p) * k], identity above */
	uint8_t		*tables;	/* [k * p * TABLE]: of encoding with all k */
	uint8_t		*some;		/* the same room, for fewer */
	/* the last pattern */
	uint32_t	 used, nlost;
	bool		 have[DIODE_SYMBOLS_MAX];
	uint8_t		 rows[DIODE_P_MAX];	/* repair symbols in use */
	uint8_t		*rebuild;	/* tables for it */
};

struct diode_fec *
diode_fec_new(uint32_t k, uint32_t p)
{
	struct diode_fec *f = k >= 1 && k <= DIODE_K_MAX && p >= 1 && p <= DIODE_P_MAX ? calloc(1, sizeof *f) : NULL;

	if (f == NULL)
		return NULL;
	f->k = k;
	f->p = p;
	f->matrix = malloc((size_t)(k + p) * k);
	f->tables = malloc((size_t)k * p * TABLE);
	f->some = malloc((size_t)k * p * TABLE);
	f->rebuild = malloc((size_t)k * p * TABLE);
	if (f->matrix == NULL || f->tables == NULL || f->some == NULL || f->rebuild == NULL) {
		diode_fec_free(f);
		return NULL;
	}
	gf_gen_cauchy1_matrix(f->matrix, (int)(k + p), (int)k);
	ec_init_tables((int)k, (int)p, f->matrix + (size_t)k * k, f->tables);
	return f;
}

void
diode_fec_free(struct diode_fec *f)
{
	if (f == NULL)
		return;
	free(f->matrix);
	free(f->tables);
	free(f->some);
	free(f->rebuild);
	free(f);
}

/* Coefficient of data symbol j in repair symbol r. */
static uint8_t
coefficient(const struct diode_fec *f, uint32_t r, uint32_t j)
{
	return f->matrix[(size_t)(f->k + r) * f->k + j];
}

void
diode_fec_encode(struct diode_fec *f, uint32_t used, size_t size, uint8_t *const data[], uint8_t *const repair[])
{
	static _Thread_local uint8_t part[DIODE_K_MAX * DIODE_P_MAX];
	uint8_t *tables = f->tables;

	if (used < f->k) {
		for (uint32_t r = 0; r < f->p; r++)
			for (uint32_t j = 0; j < used; j++)
				part[r * used + j] = coefficient(f, r, j);
		ec_init_tables((int)used, (int)f->p, part, f->some);
		tables = f->some;
	}
	/* ISA-L takes the pointers as not const and changes neither them nor the data. */
	ec_encode_data((int)size, (int)used, (int)f->p, tables, (uint8_t **)(uintptr_t)data, (uint8_t **)(uintptr_t)repair);
}

/* The matrix that makes the lost symbols of those in hand: columns are the data symbols there in order, then the repair symbols in use. */
static int
invert(struct diode_fec *f, uint32_t used, const uint8_t *lost, uint32_t n)
{
	static _Thread_local uint8_t a[DIODE_P_MAX * DIODE_P_MAX], b[DIODE_P_MAX * DIODE_P_MAX], m[DIODE_P_MAX * DIODE_K_MAX];
	uint32_t column = 0;

	for (uint32_t r = 0; r < n; r++)
		for (uint32_t e = 0; e < n; e++)
			a[r * n + e] = coefficient(f, f->rows[r], lost[e]);
	if (gf_invert_matrix(a, b, (int)n) != 0)
		return ERR_PROTO;	/* every square part of a Cauchy matrix can be inverted */
	for (uint32_t j = 0; j < used; j++) {
		if (!f->have[j])
			continue;
		for (uint32_t e = 0; e < n; e++) {
			uint8_t sum = 0;
			for (uint32_t r = 0; r < n; r++)
				sum ^= gf_mul(b[e * n + r], coefficient(f, f->rows[r], j));
			m[e * used + column] = sum;
		}
		column++;
	}
	for (uint32_t r = 0; r < n; r++)
		for (uint32_t e = 0; e < n; e++)
			m[e * used + column + r] = b[e * n + r];
	ec_init_tables((int)used, (int)n, m, f->rebuild);
	return 0;
}

int
diode_fec_rebuild(struct diode_fec *f, uint32_t used, size_t size, uint8_t *const symbol[], const bool have[], bool *inverted)
{
	uint8_t *in[DIODE_K_MAX], *out[DIODE_P_MAX], lost[DIODE_K_MAX];
	uint32_t n = 0, rows = 0, there = 0;

	*inverted = false;
	if (used < 1 || used > f->k)
		return ERR_PROTO;
	for (uint32_t j = 0; j < used; j++)
		if (have[j])
			in[there++] = symbol[j];
		else
			lost[n++] = (uint8_t)j;
	if (n == 0)
		return 0;
	bool same = f->used == used && memcmp(f->have, have, (used + f->p) * sizeof have[0]) == 0;
	for (uint32_t r = 0; r < f->p && rows < n; r++)
		if (have[used + r])
			f->rows[rows++] = (uint8_t)r;
	if (rows < n) {
		f->used = 0;
		return ERR_SHORT;
	}
	if (!same) {
		f->used = 0;
		memcpy(f->have, have, (used + f->p) * sizeof have[0]);
		int err = invert(f, used, lost, n);
		if (err != 0)
			return err;
		*inverted = true;
		f->used = used;
	}
	for (uint32_t e = 0; e < n; e++) {
		in[there + e] = symbol[used + f->rows[e]];
		out[e] = symbol[lost[e]];
	}
	ec_encode_data((int)size, (int)used, (int)n, f->rebuild, in, out);
	return 0;
}
