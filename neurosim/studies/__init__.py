"""Questions answered by composing the other rooms; each study is a file."""
