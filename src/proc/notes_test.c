/* tsan */
/* Changes of the store of certificates on their way to gate: none is lost while gate is away, none told twice, and none without end. */
#include "proc/notes.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/test.h"
#include "os/clock.h"
#include "pki/node.h"

#define THREADS	2
#define EACH	20	/* of a thread; all of them may wait */

static uv_loop_t loop;
static const char *dir;
static bool away;
static unsigned refused, told, of_thread[THREADS], max_told;

/* Gate: reads what comes, and checks that each thread's changes come in their order. */
static int
take(const void *p, size_t len)
{
	struct buf json = { 0 };
	char want[64];

	if (away) {
		refused++;
		return ERR_CONN;
	}
	CHECK_INT(notes_read(p, len, "office", &json), 0);
	for (unsigned t = 0; t < THREADS; t++) {
		snprintf(want, sizeof want, "\"what\":\"by-%u\"", t);
		if (strstr(buf_text(&json), want) == NULL)
			continue;
		snprintf(want, sizeof want, "\"detail\":\"no=%u\"}", of_thread[t]++);
		CHECK(strstr(buf_text(&json), want) != NULL);
	}
	CHECK(strstr(buf_text(&json), "{\"process\":\"office\",\"side\":\"it\",") != NULL);
	buf_fini(&json);
	if (++told == max_told)
		uv_stop(&loop);
	return 0;
}

static void *
change(void *arg)
{
	unsigned t = *(unsigned *)arg;
	char what[16], detail[16];
	struct pki *p;

	CHECK_INT(pki_open(dir, PKI_IT, NULL, &p), 0);
	for (unsigned i = 0; i < EACH; i++) {
		snprintf(what, sizeof what, "by-%u", t);
		snprintf(detail, sizeof detail, "no=%u", i);
		pki_remark(p, what, NULL, 0, detail, wall_now());
	}
	pki_close(p);
	return NULL;
}

static void
come_back(uv_timer_t *t)
{
	(void)t;
	away = false;
}

static void
many(unsigned n)
{
	struct pki *p;

	CHECK_INT(pki_open(dir, PKI_IT, NULL, &p), 0);
	for (unsigned i = 0; i < n; i++)
		pki_remark(p, "staged", NULL, 0, "", wall_now());
	pki_close(p);
}

/* One after the other, since a process has one such queue. */
TEST(what_threads_change_is_told_in_order_when_gate_is_back)
{
	pthread_t thread[THREADS];
	unsigned no[THREADS] = { 0, 1 };
	uv_timer_t back;

	log_open("test", LOG_LEVEL_ERROR);
	uv_loop_init(&loop);
	uv_timer_init(&loop, &back);
	notes_open(&loop, take);
	away = true;
	max_told = THREADS * EACH;
	dir = test_dir();
	for (unsigned t = 0; t < THREADS; t++)
		CHECK_INT(pthread_create(&thread[t], NULL, change, &no[t]), 0);
	uv_timer_start(&back, come_back, 700, 700);	/* again and again, since it is all that keeps the loop alive */
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_timer_stop(&back);
	for (unsigned t = 0; t < THREADS; t++)
		pthread_join(thread[t], NULL);
	CHECK(refused > 0 && of_thread[0] == EACH && of_thread[1] == EACH);

	/* No loop runs: what is told at the end is all that found room. */
	told = 0;
	max_told = UINT32_MAX;
	many(NOTES_MAX + 10);
	notes_close();
	CHECK_INT(told, NOTES_MAX);
	pki_on_change(NULL);
}

TEST_MAIN
