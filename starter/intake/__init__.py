"""How does a report from outside become a case, exactly once?"""
