/* A peer that has been taken over says anything: what is received is a row of messages.def for this direction, or nothing. */
#include <stdlib.h>

#include "base/log.h"
#include "os/packet.h"
#include "ring/channel.h"
#include "ring/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Input: our role, the peer's role, then packets as u8 length and that many bytes. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct channel us;
	struct reader r = rd_init(data, size);
	enum role self = (enum role)(rd_u8(&r) % ROLES), peer = (enum role)(rd_u8(&r) % ROLES);
	struct msg m;
	int fds[2];

	log_open("fuzz", LOG_LEVEL_ERROR);
	if (r.err != 0 || channel_pair(fds) != 0)
		return 0;
	channel_init(&us, fds[0], self, peer);
	/* Ends: every round takes at least the length. */
	while (r.p != r.end) {
		size_t len = rd_u8(&r);
		len = len < rd_left(&r) ? len : rd_left(&r);
		const uint8_t *p = rd_bytes(&r, len);
		if (len == 0 || packet_send(fds[1], p, len, -1) != 0)
			continue;
		int err = channel_recv(&us, &m);
		if (err == 0 && (m.type >= MSG_TYPES || m.len != len - 8 || m.fd >= 0))
			abort();
		if (err == 0 && m.type >= MSG_DELIVERED) {
			struct report report;
			report_read(m.p, m.len, &report);
		}
	}
	channel_close(&us);
	packet_close(fds[1]);
	return 0;
}
