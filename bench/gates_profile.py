"""Reads what callgrind writes: costs and calls per function."""
import collections
import re



class Profile:
    """Of one function, by name: own[event] and inclusive[event] costs; calls[(caller, callee)] counts."""

    def __init__(self, path=None):
        self.events = []
        self.own = collections.Counter()  # (function, event)
        self.inclusive = collections.Counter()
        self.calls = collections.Counter()
        self.objects = {}
        if path is not None:
            self.read(path)

    def __sub__(self, other):
        rest = Profile()
        rest.events = self.events
        rest.objects = self.objects
        for name in ("own", "inclusive", "calls"):
            difference = collections.Counter(getattr(self, name))
            difference.subtract(getattr(other, name))
            setattr(rest, name, difference)
        return rest

    def total(self, event):
        return sum(cost for (_, of), cost in self.own.items() if of == event)

    def read(self, path):
        names = {"fn": {}, "ob": {}}
        function = callee = obj = callee_obj = None
        called = None
        positions = 1
        with open(path) as file:
            for line in file:
                first = line[0]
                if called is not None and (first.isdigit() or first in "+-*"):
                    costs = line.split()[positions:]
                    for event, cost in zip(self.events, costs):
                        if callee != function:
                            self.inclusive[function, event] += int(cost)
                    self.calls[function, callee] += called
                    called = None
                    continue
                if first.isdigit() or first in "+-*":
                    for event, cost in zip(self.events, line.split()[positions:]):
                        self.own[function, event] += int(cost)
                        self.inclusive[function, event] += int(cost)
                    continue
                key, _, value = line.rstrip("\n").partition("=")
                if key == "fn":
                    function = self.name(names["fn"], value)
                    callee_obj = None
                    self.objects[function] = obj
                elif key == "ob":
                    obj = self.name(names["ob"], value)
                elif key == "cob":
                    callee_obj = self.name(names["ob"], value)
                elif key == "cfn":
                    callee = self.name(names["fn"], value)
                    self.objects.setdefault(callee, callee_obj or obj)
                    callee_obj = None
                elif key == "calls":
                    called = int(value.split()[0])
                elif line.startswith("events:"):
                    self.events = line.split()[1:]
                elif line.startswith("positions:"):
                    positions = len(line.split()) - 1

    @staticmethod
    def name(known, value):
        """Names are written once, as "(id) name", and then "(id)"."""
        found = re.match(r"\((\d+)\)(?: (.*))?", value)
        if found is None:
            return value
        if found[2] is not None:
            known[found[1]] = found[2]
        return known[found[1]]
