#!/usr/bin/python3
"""`make install` puts a working program and a sound service unit where it is told to."""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *

EXPOSURE_MAX = 1.5              # of systemd's 10; see `systemd-analyze security`


def install(prefix):
    """Installs into a temporary folder; returns it."""
    folder = temp_dir()
    done = run("make", "-s", "-C", TOP, "install", f"DESTDIR={folder}", f"PREFIX={prefix}", "CC=gcc", "SAN=",
               env={"MAKEFLAGS": "", "MAKELEVEL": ""}, limit_s=300)
    equal(done.returncode, 0, f"the status of make install, which said {done.stderr!r};")
    return folder


@timeout(400)
def test_the_program_runs_from_where_it_was_put():
    folder = install("/usr")
    program_path = os.path.join(folder, "usr/bin/penstock")
    equal(oct(os.stat(program_path).st_mode & 0o777), "0o755", "the program's mode")
    done = run(program_path, "keys")
    equal(done.returncode, 0, f"the status of keys, which said {done.stderr!r};")
    assert "sources" in done.stdout, "the reference of keys does not speak of sources"
    done = run(program_path, "check", os.path.join(folder, "usr/share/penstock/demo/site.yaml"), cwd="/")
    equal(done.returncode, 0, f"the status of checking the demo's site, which said {done.stdout!r};")


@timeout(400)
def test_the_unit_is_sound_and_names_the_program():
    unit = os.path.join(install("/opt/plant"), "opt/plant/lib/systemd/system/penstock.service")
    with open(unit, encoding="utf-8") as f:
        text = f.read()
    assert "ExecStart=/opt/plant/bin/penstock run /etc/penstock/site.yaml --state /var/lib/penstock\n" in text, text
    if shutil.which("systemd-analyze") is None:
        skip("systemd is not installed")
    done = run("systemd-analyze", "security", "--offline=true", f"--threshold={int(EXPOSURE_MAX * 10)}", "--no-pager", unit)
    equal(done.returncode, 0, f"systemd's verdict on the unit, {done.stdout.strip().splitlines()[-1:]};")


@timeout(400)
def test_the_renewal_of_certificates_is_installed_and_sound():
    folder = os.path.join(install("/opt/plant"), "opt/plant/lib/systemd/system")
    unit = os.path.join(folder, "penstock-cert@.service")
    with open(unit, encoding="utf-8") as f:
        text = f.read()
    assert "ExecStart=/opt/plant/bin/penstock cert renew --auto " in text, text
    assert os.path.exists(os.path.join(folder, "penstock-cert@.timer")), "no timer"
    if shutil.which("systemd-analyze") is None:
        skip("systemd is not installed")
    done = run("systemd-analyze", "security", "--offline=true", f"--threshold={int(EXPOSURE_MAX * 10)}", "--no-pager", unit)
    equal(done.returncode, 0, f"systemd's verdict on the unit, {done.stdout.strip().splitlines()[-1:]};")


if __name__ == "__main__":
    main()
