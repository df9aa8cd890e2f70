/* Bytes of a one-way link. Expected bytes were made from the layouts in the headers with Python's struct and hmac modules, not with our encoder. */
#include <string.h>

#include "base/err.h"
#include "base/test.h"
#include "proto/diode/diode_control.h"
#include "proto/diode/diode_fec.h"
#include "proto/diode/diode_key.h"
#include "proto/diode/diode_record.h"

static const char key_text[] = "# of the plant\n7 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\r\n\n"
    "9\tFFFEFDFCFBFAF9F8F7F6F5F4F3F2F1F0EFEEEDECEBEAE9E8E7E6E5E4E3E2E1E0\n";
static const char datagram[] = "504e534401000700887766554433221105000000000000000300000001000000000100000200040020080402400500006162636478dc68"
    "7e1e76cc0675f03bd755b10521";
static const char beacon[] = "020100000900000000002a36fe9c971700ca9a3b0000000003000000000000000300000001000000edfe00000000000007000000000000"
    "000100000000000000881300000000000040e2010000000000";

static void
keys(struct diode_keys *k)
{
	char why[200];
	CHECK_INT(diode_keys_parse(key_text, sizeof key_text - 1, k, why, sizeof why), 0);
}

TEST(a_datagram_is_these_bytes)
{
	uint8_t want[256], got[256];
	struct diode_head h = { .epoch = 7, .session = 0x1122334455667788, .serial = 5, .stream = 3, .block = (1ull << 40) + 1, .symbol = 2, .size = 4,
	    .used = 2, .params = { .k = 32, .p = 8, .depth = 4, .size = 1344 } }, back;
	struct diode_keys k;
	size_t n = test_hex(datagram, want, sizeof want);

	keys(&k);
	CHECK_INT((long)n, DIODE_OVER + 4);
	diode_head_put(&h, got);
	memcpy(got + DIODE_HEAD, "abcd", 4);
	CHECK_INT(diode_mac_put(&k, 7, got, DIODE_HEAD + 4), 0);
	CHECK_BYTES(got, want, n);
	CHECK_INT(diode_head_get(want, n, &back), 0);
	CHECK(memcmp(&back, &h, sizeof h) == 0);
	CHECK(diode_mac_ok(&k, 7, want, DIODE_HEAD + 4));
	CHECK(!diode_mac_ok(&k, 9, want, DIODE_HEAD + 4));
	CHECK(!diode_mac_ok(&k, 8, want, DIODE_HEAD + 4));
	CHECK_INT(diode_keys_newest(&k), 9);
	diode_keys_fini(&k);
}

TEST(each_byte_of_a_datagram_that_is_changed_is_noticed)
{
	uint8_t bytes[256];
	struct diode_keys k;
	struct diode_head h;
	size_t n = test_hex(datagram, bytes, sizeof bytes);

	keys(&k);
	for (size_t i = 0; i < n; i++) {
		bytes[i] ^= 0x10;
		CHECK(diode_head_get(bytes, n, &h) != 0 || !diode_mac_ok(&k, h.epoch, bytes, n - DIODE_MAC));
		bytes[i] ^= 0x10;
	}
	for (size_t i = 0; i < n; i++)
		CHECK(diode_head_get(bytes, i, &h) != 0);
	CHECK_INT(diode_head_get(bytes, n + 1, &h), ERR_LONG);
	diode_keys_fini(&k);
}

TEST(a_beacon_is_these_bytes)
{
	uint8_t want[256], got[DIODE_CONTROL_MAX];
	struct diode_control c = { .kind = DIODE_BEACON, .n = 1, .waiting = 9, .clock = { 1700000000000000000 }, .interval_ns = 1000000000, .gone = 3,
	    .rows = { { .stream = 3, .ended = true, .id = 0xfeed, .blocks = 7, .first = 1, .last = 5000, .bytes = 123456 } } }, back;
	size_t n = test_hex(beacon, want, sizeof want);

	CHECK_INT((long)diode_control_put(&c, got), (long)n);
	CHECK_BYTES(got, want, n);
	CHECK_INT(diode_control_get(want, n, &back), 0);
	CHECK(back.n == 1 && back.rows[0].last == 5000 && back.rows[0].ended && back.gone == 3);
	for (size_t i = 0; i < n; i++)
		CHECK(diode_control_get(want, i, &back) != 0);
	want[1] = DIODE_ROWS_MAX + 1;
	CHECK_INT(diode_control_get(want, n, &back), ERR_PROTO);
}

TEST(a_key_file_says_what_is_wrong_and_never_shows_a_key)
{
	static const struct { const char *text, *part; } rows[] = {
		{ "", "holds no key" }, { "# nothing\n", "holds no key" }, { "1 00\n", "line 1" }, { "\n70000 00\n", "line 2" },
		{ "1 0001020304050607ZZ090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", "line 1" },
		{ "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
		    "has a key already" },
	};
	char why[300];
	struct diode_keys k;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		CHECK(diode_keys_parse(rows[i].text, strlen(rows[i].text), &k, why, sizeof why) != 0);
		CHECK(strstr(why, rows[i].part) != NULL);
		CHECK(strstr(why, "0001") == NULL);
	}
}

/* GF(256) by the polynomial x^8 + x^4 + x^3 + x^2 + 1, bit by bit. */
static uint8_t
times(uint8_t a, uint8_t b)
{
	uint8_t r = 0;

	for (; b != 0; b = (uint8_t)(b >> 1)) {
		r ^= (b & 1) != 0 ? a : 0;
		a = (uint8_t)(a << 1 ^ ((a & 0x80) != 0 ? 0x1d : 0));
	}
	return r;
}

static uint8_t
inverse(uint8_t a)
{
	uint8_t i = 1;
	while (times(a, i) != 1)
		i++;
	return i;
}

TEST(repair_symbols_are_those_of_the_cauchy_matrix_also_for_a_short_block)
{
	uint8_t d[5][3] = { { 1, 2, 3 }, { 0x80, 0xff, 7 }, { 9, 0, 0x55 }, { 4, 4, 4 }, { 0xaa, 1, 0x1d } }, r[2][3];
	uint8_t *data[5] = { d[0], d[1], d[2], d[3], d[4] }, *repair[2] = { r[0], r[1] };
	struct diode_fec *f = diode_fec_new(5, 2);

	CHECK(f != NULL);
	for (uint32_t used = 1; used <= 5; used++) {
		diode_fec_encode(f, used, 3, data, repair);
		for (uint32_t row = 0; row < 2; row++)
			for (size_t i = 0; i < 3; i++) {
				uint8_t want = 0;
				for (uint32_t j = 0; j < used; j++)
					want ^= times(inverse((uint8_t)((5 + row) ^ j)), d[j][i]);
				CHECK_INT(r[row][i], want);
			}
	}
	diode_fec_free(f);
	CHECK(diode_fec_new(0, 1) == NULL && diode_fec_new(129, 1) == NULL && diode_fec_new(1, 65) == NULL);
}

/* Every pattern of losses of a 6 + 4 block: what the code can bear comes back, what it cannot is said. */
TEST(every_pattern_of_losses_within_the_power_comes_back)
{
	enum { K = 6, P = 4, N = K + P, SIZE = 40 };
	uint8_t all[N][SIZE], work[N][SIZE], *symbol[N];
	bool have[N], inverted;
	struct diode_fec *f = diode_fec_new(K, P);

	for (int i = 0; i < K; i++)
		for (int b = 0; b < SIZE; b++)
			all[i][b] = (uint8_t)(i * 37 + b * 11 + i * b);
	for (int i = 0; i < N; i++)
		symbol[i] = all[i];
	diode_fec_encode(f, K, SIZE, symbol, symbol + K);
	for (unsigned lost = 0; lost < 1u << N; lost++) {
		for (int i = 0; i < N; i++) {
			have[i] = (lost >> i & 1) == 0;
			symbol[i] = work[i];
			memcpy(work[i], all[i], SIZE);
			if (!have[i])
				memset(work[i], 0xee, SIZE);
		}
		int err = diode_fec_rebuild(f, K, SIZE, symbol, have, &inverted);
		CHECK_INT(err, __builtin_popcount(lost) <= P || (lost & ((1u << K) - 1)) == 0 ? 0 : ERR_SHORT);
		for (int i = 0; i < K && err == 0; i++)
			CHECK_BYTES(work[i], all[i], SIZE);
	}
	diode_fec_free(f);
}

TEST(a_record_head_and_a_schema_are_checked)
{
	static const uint8_t head[] = { 5, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0 };
	static const uint8_t body[] = { 0xed, 0xfe, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 3, 'o', 'e', 'e', 0xef, 0xbe, 0, 0, 's', 'c', 'h' };
	uint8_t out[DIODE_SCHEMA_HEAD_MAX], bad[16];
	struct diode_record r;
	struct diode_schema s;

	CHECK_INT(diode_record_head_get(head, sizeof head, &r), 0);
	CHECK(r.seq == 5 && r.kind == DIODE_BATCH && r.len == 3);
	diode_record_head_put(&r, bad);
	CHECK_BYTES(bad, head, sizeof head);
	bad[15] = 1;
	CHECK_INT(diode_record_head_get(bad, sizeof bad, &r), ERR_LIMIT);
	bad[15] = 0;
	bad[8] = 3;
	CHECK_INT(diode_record_head_get(bad, sizeof bad, &r), ERR_PROTO);
	CHECK_INT(diode_schema_get(body, sizeof body, &s), 0);
	CHECK(s.id == 0xfeed && s.first == 9 && s.version == 0xbeef && s.len == 3 && memcmp(s.file, "sch", 3) == 0);
	CHECK_STR(s.flow, "oee");
	CHECK_INT((long)diode_schema_put(&s, out), 24);
	CHECK_BYTES(out, body, 24);
	for (size_t i = 0; i < 24; i++)
		CHECK(diode_schema_get(body, i, &s) != 0);
}

TEST_MAIN
