/* Frames of a link. Expected bytes are written out from the layout at the top of link_frame.h. */
#include "base/test.h"
#include "proto/link/link_frame.h"

static const uint8_t hello[] = { 20, 0, 0, 0, 1, 'P', 'N', 'S', 'T', 'K', 'L', 'N', 'K', 1, 0, 4, 'c', 'e', 'l', 'l', 64, 0, 0, 0 };
static const uint8_t ack[] = { 21, 0, 0, 0, 5, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
static const uint8_t ping[] = { 1, 0, 0, 0, 6 };
static const uint8_t offer[] = { 33, 0, 0, 0, 2, 2, 0, 0, 0, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 3, 'o', 'e', 'e',
	0xef, 0xbe, 0, 0, 's', 'c', 'h', '!' };

TEST(a_hello_is_these_bytes)
{
	struct buf b = { 0 };
	struct link_frame f;

	link_put_hello(&b, "cell", 64);
	CHECK_INT((long)b.len, (long)sizeof hello);
	CHECK(memcmp(b.p, hello, sizeof hello) == 0);
	CHECK_INT(link_frame_length(hello, sizeof hello), (long)sizeof hello);
	CHECK_INT(link_frame_parse(hello, sizeof hello, &f), 0);
	CHECK_STR(f.name, "cell");
	CHECK_INT(f.window, 64);
	buf_fini(&b);
}

TEST(an_offer_an_ack_and_a_ping_are_these_bytes)
{
	struct buf b = { 0 };
	struct link_frame f;

	link_put_offer(&b, 2, 0x1122334455667788ull, "oee", 0xbeef, "sch!", 4);
	CHECK_INT((long)b.len, (long)sizeof offer);
	CHECK(memcmp(b.p, offer, sizeof offer) == 0);
	CHECK_INT(link_frame_parse(offer, sizeof offer, &f), 0);
	CHECK(f.stream == 2 && f.id == 0x1122334455667788ull && f.schema == 0xbeef && f.len == 4 && memcmp(f.p, "sch!", 4) == 0);
	buf_reset(&b);
	link_put_ack(&b, 3, 1, 256);
	CHECK_INT((long)b.len, (long)sizeof ack);
	CHECK(memcmp(b.p, ack, sizeof ack) == 0);
	CHECK_INT(link_frame_parse(ack, sizeof ack, &f), 0);
	CHECK(f.stream == 3 && f.first == 1 && f.last == 256);
	buf_reset(&b);
	link_put_ping(&b);
	CHECK(b.len == sizeof ping && memcmp(b.p, ping, sizeof ping) == 0);
	buf_fini(&b);
}

TEST(what_a_node_has_and_a_batch_come_back_as_they_were_put)
{
	struct link_have v[2] = { { 1, 8, { 1, 2, 3 } }, { 9, 9, { 0xff } } }, got;
	uint8_t rec[LINK_REC] = { 'P', 'B', 'A', 'T' };
	struct buf b = { 0 };
	struct link_frame f;

	link_put_have(&b, 63, v, 2);
	CHECK_INT(link_frame_parse((uint8_t *)b.p, b.len, &f), 0);
	CHECK_INT(f.count, 2);
	got = link_have_at(&f, 1);
	CHECK(got.first == 9 && got.last == 9 && got.hash[0] == 0xff);
	buf_reset(&b);
	link_put_batch(&b, 0, rec, "xyz", 3);
	CHECK_INT(link_frame_parse((uint8_t *)b.p, b.len, &f), 0);
	CHECK(memcmp(f.rec, rec, sizeof rec) == 0 && f.len == 3 && memcmp(f.p, "xyz", 3) == 0);
	buf_fini(&b);
}

TEST(frames_of_an_enrolment_and_of_a_renewal_are_these_bytes)
{
	static const uint8_t join[] = { 54, 0, 0, 0, 8, 'P', 'N', 'S', 'T', 'K', 'E', 'N', 'R', 1, 0, 4, 'c', 'e', 'l', 'l', 5, 'r', 'e', 'l', 'a', 'y' };
	static const uint8_t renew[] = { 12, 0, 0, 0, 11, 4, 0, 's', 'i', 'g', 'n', '0', 3, 'c', 'e', 'r' };
	static const uint8_t welcome[] = { 33, 0, 0, 0, 9 }, pinned[] = { 1, 0, 0, 0, 10 }, renewed[] = { 33, 0, 0, 0, 12 };
	uint8_t proof[LINK_HASH] = { 7 };
	struct buf b = { 0 };
	struct link_frame f;

	link_put_join(&b, "cell", "relay", proof);
	CHECK_INT((long)b.len, 58);
	CHECK_BYTES(b.p, join, sizeof join);
	CHECK_INT(link_frame_parse((uint8_t *)b.p, b.len, &f), 0);
	CHECK_STR(f.name, "cell");
	CHECK_STR(f.peer, "relay");
	CHECK_BYTES(f.hash, proof, LINK_HASH);
	CHECK(link_frame_parse((uint8_t *)b.p, b.len - 1, &f) != 0);
	buf_reset(&b);
	link_put_renew(&b, "sign", 4, "\x30\x03" "cer", 5);
	CHECK(b.len == sizeof renew && memcmp(b.p, renew, sizeof renew) == 0);
	CHECK_INT(link_frame_parse(renew, sizeof renew, &f), 0);
	CHECK(f.sig_len == 4 && memcmp(f.sig, "sign", 4) == 0 && f.len == 5 && f.p[0] == 0x30);
	buf_reset(&b);
	link_put_welcome(&b, proof);
	CHECK(b.len == 37 && memcmp(b.p, welcome, sizeof welcome) == 0);
	buf_reset(&b);
	link_put_pinned(&b);
	CHECK(b.len == sizeof pinned && memcmp(b.p, pinned, sizeof pinned) == 0);
	buf_reset(&b);
	link_put_renewed(&b, proof);
	CHECK(b.len == 37 && memcmp(b.p, renewed, sizeof renewed) == 0);
	CHECK_INT(link_frame_parse((uint8_t *)b.p, b.len, &f), 0);
	CHECK_BYTES(f.hash, proof, LINK_HASH);
	buf_fini(&b);
}

TEST(damage_is_refused)
{
	uint8_t bytes[sizeof hello];
	struct link_frame f;

	memcpy(bytes, hello, sizeof hello);
	bytes[13] = 2;		/* another version */
	CHECK_INT(link_frame_parse(bytes, sizeof bytes, &f), ERR_VERSION);
	memcpy(bytes, hello, sizeof hello);
	bytes[20] = 255;	/* a window that is too wide */
	bytes[21] = 255;
	CHECK_INT(link_frame_parse(bytes, sizeof bytes, &f), ERR_RANGE);
	CHECK_INT(link_frame_parse(ack, sizeof ack - 1, &f), ERR_SHORT);
	memcpy(bytes, ack, sizeof bytes);
	bytes[5] = 64;		/* a stream that there cannot be */
	bytes[0] = sizeof bytes - 4;
	CHECK(link_frame_parse(bytes, sizeof bytes, &f) != 0);
	static const uint8_t huge[] = { 0xff, 0xff, 0xff, 0x7f, 1 }, nothing[] = { 0, 0, 0, 0 }, odd[] = { 1, 0, 0, 0, 99 };
	CHECK_INT(link_frame_length(huge, sizeof huge), ERR_LIMIT);
	CHECK_INT(link_frame_length(nothing, sizeof nothing), ERR_PROTO);
	CHECK_INT(link_frame_length(nothing, 3), 0);
	CHECK_INT(link_frame_parse(odd, sizeof odd, &f), ERR_PROTO);
}

TEST_MAIN
