#compdef octasklyctl
# zsh completion for octasklyctl
# Load it with:  source <(octasklyctl completion zsh)
# or keep it as _octasklyctl in a directory of $fpath

_octasklyctl() {
    local -a lines values
    local line
    lines=("${(@f)$(${words[1]} "${(@)words[2,CURRENT]}" --generate-bash-completion 2>/dev/null)}")
    for line in $lines; do
        [[ -n $line ]] && values+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    if (( $#values )); then
        _describe -V octasklyctl values
    else
        _default
    fi
}

if [[ $funcstack[1] == _octasklyctl ]]; then
    _octasklyctl "$@"
else
    compdef _octasklyctl octasklyctl
fi
