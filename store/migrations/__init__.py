"""How the tables came to be, step by step (Alembic). A step that was released is never changed; a new one is added."""
