"""Tests of the test tools: a test is a sentence and a function. run() prints the failures, and last
"N passed, N failed"."""
import traceback

CLAIMS = []


def claim(text):
    """Registers a test under the sentence that it proves."""
    def register(function):
        CLAIMS.append((text, function))
        return function

    return register


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def run(prepare=None):
    """Runs every test and returns the exit status. With `prepare`, each test gets an object of its own from
    prepare(), which is closed after the test."""
    failed = 0
    for text, function in CLAIMS:
        subject = prepare() if prepare else None
        try:
            function(*([subject] if prepare else []))
        except Exception:
            failed += 1
            print(f'FAILED {text}\n{traceback.format_exc()}', flush=True)
        finally:
            if subject:
                subject.close()
    print(f'{len(CLAIMS) - failed} passed, {failed} failed')
    return 1 if failed else 0
