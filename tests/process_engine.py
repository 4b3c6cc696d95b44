"""Engines without a cluster: in this process, or in processes that may be killed."""

import multiprocessing
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

TRIES = 5


class Here:
    """Calls in this process, at once. `jobs` holds the data that was sent."""

    name = "Here"
    errors: tuple[type[Exception], ...] = ()

    def __init__(self):
        self.jobs = []

    def slots(self):
        return 1

    def sender(self, work, data):
        self.jobs.append(data)

        def send(unit):
            future = Future()
            future.set_result(work(data, unit))
            return future

        return send

    def close(self):
        pass


class Processes:
    """Calls in new processes, in each again and again; where one ends, in another one."""

    name = "Processes"
    errors = (RuntimeError,)

    def __init__(self, count):
        self._threads = ThreadPoolExecutor(count)
        self._count = count
        self._idle = SimpleQueue()
        self.ended = 0
        for _ in range(count):
            self._idle.put(_started())

    def slots(self):
        return self._count

    def sender(self, work, data):
        return lambda unit: self._threads.submit(self._answer, work, data, unit)

    def _answer(self, work, data, unit):
        for _ in range(TRIES):
            process, channel = self._idle.get()
            try:
                channel.send((work, data, unit))
                answer = channel.recv()
            except (EOFError, OSError):
                process.join()
                channel.close()
                self.ended += 1
                self._idle.put(_started())
                continue
            self._idle.put((process, channel))
            return answer
        raise RuntimeError(f"a process ended {TRIES} times")

    def close(self):
        self._threads.shutdown(cancel_futures=True)
        for _ in range(self._count):
            process, channel = self._idle.get()
            channel.close()
            process.join()


def _started():
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_answer_all, args=(theirs,), daemon=False)
    process.start()
    theirs.close()
    return process, ours


def _answer_all(channel):
    while True:
        try:
            work, data, unit = channel.recv()
        except EOFError:
            return
        channel.send(work(data, unit))
