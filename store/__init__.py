"""What do people read? The casebook in SQL: entries nobody can change, and the lists made of them."""
