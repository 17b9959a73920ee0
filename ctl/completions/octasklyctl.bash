# bash completion for octasklyctl
# Load it with:  . <(octasklyctl completion bash)
# or keep it in: ~/.local/share/bash-completion/completions/octasklyctl

_octasklyctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} line
    local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    COMPREPLY=()
    while IFS= read -r line; do
        line=${line%%$'\t'*}
        [[ $line == "$cur"* ]] && COMPREPLY+=("$line")
    done < <("${COMP_WORDS[0]}" "${words[@]}" --generate-bash-completion 2>/dev/null)
}

complete -o bashdefault -o default -F _octasklyctl octasklyctl
