/*
 * Events through the whole sap-odata sink: outbox, poster, HTTP, with $batch and without, beside a bare loop of libcurl that posts the same body to the
 * same far end and keeps nothing. The far end is a thread here that answers at once, so that what is measured is ours; a real one takes 0.1 to 3 s.
 */
#include <curl/curl.h>

#include "base/log.h"
#include "bench/bench.h"
#include "bench/outbox_sap.h"
#include "sink/sap_odata/sink_rig.h"

#define EVENTS	5000u
#define ORDERS	1000u

static _Atomic uint64_t booked;

static const char created[] = "{\"d\":{\"ConfirmationGroup\":\"0000000001\",\"ConfirmationCount\":\"00000001\"}}";

static void
batch(const char *request, struct buf *out)
{
	struct buf parts = { 0 };

	for (const char *p = request; (p = strstr(p, "POST ProdnOrdConf2")) != NULL; p += 18) {
		buf_printf(&parts, "--r\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\n"
		    "Content-Transfer-Encoding: binary\r\n\r\nHTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s"
		    "\r\n--c--\r\n", sizeof created - 1, created);
		booked++;
	}
	buf_puts(&parts, "--r--\r\n");
	buf_printf(out, "HTTP/1.1 202 Accepted\r\nContent-Type: multipart/mixed; boundary=r\r\nContent-Length: %zu\r\n\r\n%s", parts.len,
	    buf_text(&parts));
	buf_fini(&parts);
}

static bool
reply(struct rig *r, size_t i, const char *request, struct buf *out)
{
	(void)r;
	(void)i;
	if (strncmp(request, "POST", 4) != 0)
		buf_puts(out, strstr(request, "$metadata") != NULL ? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" :
		    "HTTP/1.1 200 OK\r\nx-csrf-token: t\r\nset-cookie: s=1; path=/\r\nContent-Length: 2\r\n\r\n{}");
	else if (strstr(request, "/$batch ") != NULL)
		batch(request, out);
	else {
		buf_printf(out, "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", sizeof created - 1, created);
		booked++;
	}
	return true;
}

static size_t
nothing(char *p, size_t one, size_t n, void *arg)
{
	(void)p;
	(void)arg;
	return one * n;
}

/* Posts a second of one connection that stays open. */
static double
bare(void)
{
	struct rig r;
	char url[100];
	CURL *e = curl_easy_init();
	struct curl_slist *h = curl_slist_append(NULL, "content-type: application/json");
	unsigned n = 0;

	rig_serve(&r, reply, NULL);
	snprintf(url, sizeof url, "http://127.0.0.1:%u/ProdnOrdConf2", r.port);
	curl_easy_setopt(e, CURLOPT_URL, url);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, h);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, nothing);
	curl_easy_setopt(e, CURLOPT_POSTFIELDS, "{\"OrderID\":\"000001000123\",\"OrderOperation\":\"0010\",\"Sequence\":\"0\",\"ConfirmationUnit\":\"PC\","
	    "\"ConfirmationYieldQuantity\":\"120\",\"ExternalSystemConfirmation\":\"6f1c0000-0000-5000-8000-000000000001\"}");
	double began = bench_now_s();
	while (n < EVENTS && curl_easy_perform(e) == CURLE_OK)
		n++;
	double took = bench_now_s() - began;
	curl_easy_cleanup(e);
	curl_slist_free_all(h);
	rig_stop(&r);
	rig_free(&r);
	return n / took;
}

static double
through(unsigned batch_max, unsigned connections, double *cpu_us, double *mib)
{
	office_begin(reply, batch_max, connections);
	sink_starts();
	booked = 0;
	double began = bench_now_s(), cpu = bench_cpu_s(0);
	for (unsigned i = 1; i <= EVENTS; i++)
		while (offer_event(i, ORDERS) == ERR_FULL)
			uv_run(&w.loop, UV_RUN_ONCE);
	while (booked < EVENTS && bench_now_s() - began < 120)
		uv_run(&w.loop, UV_RUN_ONCE);
	double took = bench_now_s() - began;
	*cpu_us = (bench_cpu_s(0) - cpu) * 1e6 / EVENTS;
	*mib = bench_pss_mib(0);
	uint64_t n = booked;
	office_end();
	return (double)n / took;
}

void
bench_outbox_sap(void)
{
	static const struct { const char *name; unsigned batch, connections; } rows[] = {
		{ "4 connections, one event a call", 1, 4 }, { "8 connections, one event a call", 1, 8 }, { "4 connections, $batch of 20", 20, 4 },
		{ "4 connections, $batch of 100", 100, 4 },
	};
	double cpu, mib;

	log_open("bench", LOG_LEVEL_ERROR);
	bench_title("Through outbox and sap-odata: %u events of %u orders, each durable in the outbox before and after (far end: answers at once)", EVENTS, ORDERS);
	double loop = bare();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		double rate = through(rows[i].batch, rows[i].connections, &cpu, &mib);
		bench_row(rows[i].name, rate, "events/s", "bare curl loop, 1 connection", loop, NULL);
		bench_row("  processor, an event (the far end's too)", cpu, "us", NULL, 0, NULL);
		bench_row("  memory (the far end's too)", mib, "MiB", NULL, 0, NULL);
	}
}
