"""Would today's code live yesterday's cases the same way? The engineers' door: export and check histories."""
