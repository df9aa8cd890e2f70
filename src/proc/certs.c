/* See certs.h. */
#include "proc/certs.h"

#include "base/log.h"
#include "os/clock.h"
#include "pki/pki.h"

#define DAY_MS	(24u * 3600u * 1000u)

static struct pki *store;

static void
on_day(uv_timer_t *t)
{
	(void)t;
	pki_warn_ending(store, PKI_DAYS_WARN, wall_now());
}

void
certs_watch(uv_loop_t *loop, enum role role, const char *state_dir)
{
	static uv_timer_t timer;

	if (role != ROLE_FIELD && role != ROLE_OFFICE)
		return;
	int err = pki_open(state_dir, role == ROLE_FIELD ? PKI_OT : PKI_IT, NULL, &store);
	if (err != 0) {
		log_warn("certificates_not_watched", "error=\"%s\" why=\"%s\"", err_text(err), store != NULL ? pki_why(store) : "");
		pki_close(store);
		return;
	}
	uv_timer_init(loop, &timer);
	uv_timer_start(&timer, on_day, 0, DAY_MS);
	uv_unref((uv_handle_t *)&timer);
}
