/* A ring whose writer has been taken over: any bytes in header and data. The reader must end, and never leave its memory. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/sample.h"
#include "os/memfd.h"
#include "ring/ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t image[4096 + RING_SIZE_MIN];
	static _Alignas(16) uint8_t record[8192];
	static struct sample room[BATCH_SAMPLES_MAX];
	struct ring_reader *r;
	uint64_t lost;
	size_t len;

	memset(image, 0, sizeof image);
	/* A header that gets past the first look, then whatever the input says of positions and data. */
	static const uint32_t magic[2] = { 0x52534e50u, 1 };
	uint64_t ring_size = RING_SIZE_MIN, epoch = 1;
	memcpy(image, magic, 8);
	memcpy(image + 8, &ring_size, 8);
	memcpy(image + 16, &epoch, 8);
	size_t head = size < 16 ? size : 16;
	memcpy(image + 24, data, head);
	memcpy(image + 4096, data + head, size - head < RING_SIZE_MIN ? size - head : RING_SIZE_MIN);
	int fd = memfd_sealed("fuzz", image, sizeof image);
	if (fd < 0)
		abort();
	if (ring_open(fd, &r) == 0) {
		ring_seek(r, 0);
		/* Ends: each read moves on, or ends the ring. */
		for (int i = 0; i < 20000; i++) {
			int err = ring_read(r, record, sizeof record, &len, &lost);
			struct batch b;
			if (err == 0)
				batch_parse(record, len, room, &b);
			else if (err != ERR_GAP && err != ERR_LIMIT)
				break;
		}
		ring_close(r);
	}
	close(fd);
	return 0;
}
