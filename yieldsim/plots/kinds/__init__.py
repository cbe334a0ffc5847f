"""The pictures of an ensemble by kind: `registry.KINDS` names them all."""
