/* See preplaced.h. */
#include "pki/preplaced.h"

#include <openssl/crypto.h>
#include <stdio.h>

#include "base/err.h"
#include "os/disk.h"

int
preplaced_read(const char *path, struct diode_keys *out, char *why, size_t size)
{
	char text[DIODE_KEY_FILE_MAX], cause[300];
	struct disk_stat st = { 0 };
	int fd = disk_os.open(disk_os.ctx, path, DISK_READ), err = fd < 0 ? fd : disk_os.fstat(disk_os.ctx, fd, &st);

	*out = (struct diode_keys){ 0 };
	if (err == 0 && st.exposed) {
		snprintf(why, size, "%.200s may be read by others than its owner: chmod 600 it, and make a new key if somebody did", path);
		err = ERR_DENIED;
	} else if (err == 0 && st.size > sizeof text) {
		snprintf(why, size, "%.200s is longer than a key file can be", path);
		err = ERR_LIMIT;
	} else if (err != 0 || (err = disk_read_all(&disk_os, fd, text, (size_t)st.size, 0)) != 0)
		snprintf(why, size, "%.200s: %s; make it with echo 1 $(openssl rand -hex 32), and copy it to the other end by hand", path, err_text(err));
	else if ((err = diode_keys_parse(text, (size_t)st.size, out, cause, sizeof cause)) != 0)
		snprintf(why, size, "%.200s: %.280s", path, cause);
	if (fd >= 0)
		disk_os.close(disk_os.ctx, fd);
	OPENSSL_cleanse(text, sizeof text);
	return err;
}
