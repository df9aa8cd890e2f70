"""The demo's site with ports of this run: what most whole-system tests run."""
import json
import os
import signal

from cases import wait_for
from peers import Sim
from procs import TOP, penstock, start_penstock, temp_dir


class Gateway:
    """A simulated bottling line and a running penstock with the demo's site file, changed by `edit(text) -> text`.

    broker_port: where the sink goes. `state` is the state directory, `site` the site file.
    """

    def __init__(self, broker_port, edit=None, sim_options=("--skip", "10m"), start=True, folder=None, env=None):
        self.sim = Sim("bottling", *sim_options)
        self.folder = folder or temp_dir()
        self.state = os.path.join(self.folder, "state")
        self.site = os.path.join(self.folder, "site.yaml")
        self.env = env
        self.broker_port = broker_port
        self.write(edit)
        self.run = None
        if start:
            self.start()

    def text(self):
        with open(os.path.join(TOP, "etc/demo/site.yaml"), encoding="utf-8") as f:
            text = f.read()
        for i, name in enumerate(("filler", "capper", "labeller", "packer")):
            text = text.replace(f"127.0.0.1:{15020 + i}", self.sim.endpoints[name].address)
        return text.replace("127.0.0.1:15083", f"127.0.0.1:{self.broker_port}")

    def write(self, edit=None):
        text = self.text()
        with open(self.site, "w", encoding="utf-8") as f:
            f.write(edit(text) if edit else text)

    def start(self):
        self.run = start_penstock("run", self.site, "--state", self.state, env=self.env)
        self.run.wait_line("event=ready", 20)

    def cli(self, *words, **options):
        return penstock(*words, "--state", self.state, **options)

    def status(self):
        done = self.cli("status", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def processes(self):
        """Name -> its part of the status."""
        return {p["name"]: p for p in self.status()["processes"]}

    def objects(self, kind):
        """Name -> figures, over all processes."""
        return {o["name"]: o for p in self.status()["processes"] for o in p["objects"] if o["kind"] == kind}

    def pids(self):
        return {name: p["pid"] for name, p in self.processes().items() if "pid" in p}

    def kill(self, name):
        """Kills a child by name, waits until another one serves in its place."""
        before = self.processes()[name]
        os.kill(before["pid"], signal.SIGKILL)
        wait_for(lambda: (p := self.processes()[name])["state"] == "up" and p["restarts"] > before["restarts"], 10,
                 f"{name} to be started again")

    def ledger(self):
        """The account as `penstock ledger --json` gives it."""
        done = self.cli("ledger", "--json")
        assert done.returncode in (0, 1), done.stderr
        return json.loads(done.stdout)

    def stop(self):
        return self.run.stop()


__all__ = ["Gateway"]
