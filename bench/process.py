"""A process that is asked to build, check and time a workload, one line of JSON at a time.

Requests:                                  Answers:
  (none: the process is up)                  {}
  {"do": "inputs"}  (the reference only)     {}
  {"do": "build", "measure": "forward"}      {"peak_mib": 512.0}
  {"do": "check", "measure": "forward"}      {} or, from Rust, {"largest": "y", "deviation": 1e-6}
  {"do": "time", "calls": 10}                {"ms": [1.2, ...]}
"""

import json
import pathlib
import queue
import subprocess
import threading
import time

# A process is idle when it used no processor time in this many intervals (s); most time to wait for that (s).
INTERVAL = 0.02
IDLE_INTERVALS = 3
PATIENCE = 3.0


class Failed(Exception):
  """The process ended or gave no answer in time; says which."""


class Process:
  """One side of a workload."""

  def __init__(self, command, log, environment, timeout):
    self.log = log
    start = time.perf_counter()
    with open(log, 'w') as stderr:
      self.process = subprocess.Popen(
          command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment
      )
    self.answers = queue.Queue()
    threading.Thread(target=self._read, daemon=True).start()
    try:
      self._answer(timeout)
    except Failed:
      self.stop()
      raise
    self.up_s = time.perf_counter() - start

  def _read(self):
    for line in self.process.stdout:
      self.answers.put(line)
    self.answers.put(None)

  def _answer(self, timeout):
    try:
      line = self.answers.get(timeout=timeout)
    except queue.Empty:
      raise Failed(f'no result within {timeout:.0f} s') from None
    if line is None:
      tail = self.log.read_text().strip().splitlines()[-1:]
      raise Failed(f'ended with code {self.process.wait()}: {" ".join(tail)} (see {self.log})')
    return json.loads(line)

  def ask(self, do, timeout, **arguments):
    """The answer to a request."""
    try:
      self.process.stdin.write(json.dumps(dict(do=do, **arguments)) + '\n')
      self.process.stdin.flush()
    except OSError:
      pass  # Its end is reported below.
    return self._answer(timeout)

  def build(self, measure, timeout):
    """Start-up to the first result in s (start of the process, then this measure) and peak memory in MiB."""
    start = time.perf_counter()
    answer = self.ask('build', timeout, measure=measure)
    return dict(start_up_s=self.up_s + time.perf_counter() - start, peak_mib=answer['peak_mib'])

  def settle(self):
    """Waits until the process is idle: the reference frees the memory of a long call after it has answered."""
    end = time.perf_counter() + PATIENCE
    idle, before = 0, self._processor_time()
    while idle < IDLE_INTERVALS and time.perf_counter() < end:
      time.sleep(INTERVAL)
      now = self._processor_time()
      idle, before = (idle + 1 if now == before else 0), now

  def _processor_time(self):
    """User and system time of all threads, in ticks; `man proc_pid_stat`, fields 14 and 15."""
    fields = pathlib.Path(f'/proc/{self.process.pid}/stat').read_text().rpartition(')')[2].split()
    return int(fields[11]) + int(fields[12])

  def stop(self):
    self.process.kill()
    self.process.wait()
    for pipe in (self.process.stdin, self.process.stdout):
      try:
        pipe.close()
      except OSError:
        pass
