"""What a case found: numbers, and the claims that hold or do not."""


class Verdict:
    def __init__(self, name):
        self.name = name
        self.failures = []
        self.lines = []

    def note(self, text):
        self.lines.append(text)
        print(f"    {text}", flush=True)

    def check(self, holds, text):
        if not holds:
            self.failures.append(text)
        self.note(("ok    " if holds else "FAIL  ") + text)

    def at_most(self, what, value, bound, unit="", stretch=None):
        text = f"{what}: {value:,.4g}{unit} (at most {bound:,.4g}{unit}"
        text += f", stretch {stretch:,.4g}{unit})" if stretch is not None else ")"
        self.check(value <= bound, text)

    @property
    def is_good(self):
        return not self.failures
