using AsArm.Inference.Tokenization;

namespace AsArm.Inference.Patterns;

/// <summary>
/// The states of fillings between tokens, and which follow which. What follows depends on the point after the space of a word, which many states share, so
/// that it is kept by point: once for tokens with a space mark, once for the others.
/// </summary>
internal sealed class TokenStates(TextAutomaton texts, TokenTexts tokens)
{
    private readonly Dictionary<(FillingPoint Point, bool IsSpaceShown), int> _numbers = [];
    private readonly List<(FillingPoint Point, bool IsSpaceShown)> _states = [];
    private readonly List<(int Unmarked, int Marked)> _followers = []; // by explored state: indices of the lists of what follows
    private readonly Dictionary<(FillingPoint Point, bool HasMark), int> _listOf = [];
    private readonly List<int[]> _lists = [];
    private readonly FillingPoint[] _path = new FillingPoint[Math.Max(tokens.Marked.MaxDepth, tokens.Unmarked.MaxDepth) + 1];
    private long _work, _entries;

    /// <summary>The error of sets that would take too long.</summary>
    public static PatternException TooComplex() => new("is too complex for the tokens of the model", 0);

    /// <summary>The number of a state, new or not.</summary>
    /// <param name="point">The point in the text.</param>
    /// <param name="isSpaceShown">Whether the space of a word that begins here is not shown.</param>
    public int Add(FillingPoint point, bool isSpaceShown)
    {
        if (_numbers.TryGetValue((point, isSpaceShown), out int number))
            return number;
        if (_states.Count == PatternLimits.TokenStates)
            throw TooComplex();
        _states.Add((point, isSpaceShown));
        return _numbers[(point, isSpaceShown)] = _states.Count - 1;
    }

    /// <summary>The number of a state; <see cref="TokenAutomaton.None" /> if it was not met.</summary>
    public int Find(FillingPoint point, bool isSpaceShown) => _numbers.TryGetValue((point, isSpaceShown), out int number) ? number : TokenAutomaton.None;

    /// <summary>The point after the space that a token begins with, if it has one that is shown.</summary>
    public FillingPoint PointAfterSpace(int state, bool hasMark)
    {
        (FillingPoint point, bool isSpaceShown) = _states[state];
        return hasMark && !isSpaceShown ? point.After((byte)' ', texts) : point;
    }

    /// <summary>Finds all states that can be reached with a number of tokens.</summary>
    public void Explore(int maxTokens)
    {
        for (int step = 0, state = 0; step < maxTokens && state < _states.Count; step++)
        {
            for (int end = _states.Count; state < end; state++)
                _followers.Add((ListOf(PointAfterSpace(state, hasMark: false), hasMark: false), ListOf(PointAfterSpace(state, hasMark: true), hasMark: true)));
        }

        int none = ListOf(FillingPoint.None, hasMark: false);
        while (_followers.Count < _states.Count)
            _followers.Add((none, none)); // as far as fillings go
    }

    /// <summary>[states] Whether a filling can end in a state.</summary>
    public bool[] Accepting() => [.. _states.Select(state => state.Point.Partial == 0 && texts.Accepts(state.Point.Text))];

    /// <summary>[states] Whether a token leads from a state to one of some states.</summary>
    public bool[] Before(bool[] states)
    {
        Count(_entries);
        bool[] leads = [.. _lists.Select(list => Array.Exists(list, state => states[state]))];
        return [.. _followers.Select(lists => leads[lists.Unmarked] || leads[lists.Marked])];
    }

    /// <summary>The tokens that lead from a state to one of some states.</summary>
    public List<int> TokensTo(int state, bool[] states)
    {
        var allowed = new List<int>();
        foreach (bool hasMark in (ReadOnlySpan<bool>)[false, true])
        {
            TokenTrie trie = hasMark ? tokens.Marked : tokens.Unmarked;
            Walk(PointAfterSpace(state, hasMark), trie, (node, point) =>
            {
                foreach (int token in trie.TokensOf(node))
                {
                    if (Find(point, tokens.IsWhiteSpace(token)) is int next and >= 0 && states[next])
                        allowed.Add(token);
                }
            });
        }

        return allowed;
    }

    private void Count(long steps)
    {
        if ((_work += steps) > PatternLimits.TokenWork)
            throw TooComplex();
    }

    private int ListOf(FillingPoint point, bool hasMark)
    {
        if (_listOf.TryGetValue((point, hasMark), out int list))
            return list;
        TokenTrie trie = hasMark ? tokens.Marked : tokens.Unmarked;
        var following = new HashSet<int>();
        int steps = Walk(point, trie, (node, end) =>
        {
            foreach (int token in trie.TokensOf(node))
                following.Add(Add(end, tokens.IsWhiteSpace(token)));
        });
        Count((long)steps * texts.StepCost);
        if ((_entries += following.Count) > PatternLimits.TokenEntries)
            throw TooComplex();
        _lists.Add([.. following]);
        return _listOf[(point, hasMark)] = _lists.Count - 1;
    }

    /// <summary>Visits all nodes with tokens whose text can follow, with the point after it.</summary>
    /// <returns>The number of nodes that were looked at.</returns>
    private int Walk(FillingPoint start, TokenTrie trie, Action<int, FillingPoint> visit)
    {
        if (start.Text == TextAutomaton.Dead)
            return 1;
        _path[0] = start;
        int steps = 1;
        if (!trie.TokensOf(0).IsEmpty)
            visit(0, start);
        for (int node = 1; node < trie.Count; steps++)
        {
            int depth = trie.DepthOf(node);
            FillingPoint point = _path[depth - 1].After(trie.ByteOf(node), texts);
            if (point.Text == TextAutomaton.Dead)
            {
                node = trie.EndOf(node);
                continue;
            }

            _path[depth] = point;
            if (!trie.TokensOf(node).IsEmpty)
                visit(node, point);
            node++;
        }

        return steps;
    }
}
