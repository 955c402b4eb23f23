using AsArm.Assd.Distributions;
using AsArm.Inference.Tokenization;

namespace AsArm.Inference.Patterns;

/// <summary>
/// A set of texts as sequences of tokens: which tokens may follow, so that the filling can still end in the set after exactly as many tokens as are left.
/// All is found by walking the prefix trees of the tokens along the automaton of the texts. Bounded in time and memory. Thread-safe.
/// </summary>
internal sealed class TokenAutomaton
{
    /// <summary>No filling begins so.</summary>
    public const int None = -1;

    private readonly Lock _gate = new();
    private readonly TextAutomaton _texts;
    private readonly TokenTexts _tokens;
    private readonly TokenStates _states;
    private readonly List<bool[]> _canEnd = []; // by number of tokens: [states] whether the filling can end after them; the last one holds for all larger numbers if it is final
    private readonly Dictionary<(int State, int Left), TokenMask> _masks = [];
    private readonly int _start, _startAfterSpace;
    private bool _isFinal;
    private long _maskBytes;

    /// <summary>Finds all states, and from which of them a filling can end.</summary>
    /// <param name="texts">The texts; used by this object alone from now on.</param>
    /// <param name="tokens">The tokens.</param>
    /// <param name="maxTokens">The largest number of tokens of a filling.</param>
    /// <exception cref="PatternException">It would take too much time or memory.</exception>
    public TokenAutomaton(TextAutomaton texts, TokenTexts tokens, int maxTokens)
    {
        (_texts, _tokens, _states) = (texts, tokens, new TokenStates(texts, tokens));
        if (texts.Start == TextAutomaton.Dead)
        {
            (_start, _startAfterSpace) = (None, None);
            return;
        }

        _start = _states.Add(new FillingPoint(texts.Start, 0), isSpaceShown: false);
        _startAfterSpace = _states.Add(new FillingPoint(texts.Start, 0), isSpaceShown: true);
        _states.Explore(maxTokens);
        FindEnds(maxTokens);
    }

    /// <summary>The state before the first token.</summary>
    /// <param name="isSpaceShown">Whether the space before the first word is in the text before the gap, or there is none.</param>
    public int StartOf(bool isSpaceShown) => isSpaceShown ? _startAfterSpace : _start;

    /// <summary>Whether a filling that has led to a state can end after exactly so many more tokens.</summary>
    public bool CanEnd(int state, int tokens) => state != None && _canEnd[Clip(tokens)][state];

    /// <summary>Whether a filling of so many tokens can follow a state with a token that is not banned.</summary>
    public bool CanBegin(int state, int left, TokenSet? banned)
    {
        if (left < 1 || !CanEnd(state, left))
            return false;
        return banned is null || AllowedTokens(state, left).Exists(token => !banned.Contains(token));
    }

    /// <summary>The state after another token; <see cref="None" /> if no filling begins so.</summary>
    public int Next(int state, int token)
    {
        if (state == None || _tokens.Of(token) is not TokenBytes text)
            return None;
        lock (_gate)
        {
            FillingPoint point = _states.PointAfterSpace(state, text.HasMark);
            foreach (byte value in text.Bytes)
            {
                if (point.Text == TextAutomaton.Dead)
                    return None;
                point = point.After(value, _texts);
            }

            return point.Text == TextAutomaton.Dead ? None : _states.Find(point, text.IsWhiteSpace);
        }
    }

    /// <summary>The tokens that may follow, in no particular order.</summary>
    /// <param name="state">The state of the filling so far.</param>
    /// <param name="left">Number of tokens that the filling has yet, the next one included.</param>
    public List<int> AllowedTokens(int state, int left)
    {
        lock (_gate)
            return state == None ? [] : _states.TokensTo(state, _canEnd[Clip(left - 1)]);
    }

    /// <summary>The tokens that may follow, as a set.</summary>
    /// <param name="state">The state of the filling so far.</param>
    /// <param name="left">Number of tokens that the filling has yet, the next one included.</param>
    public TokenMask Allowed(int state, int left)
    {
        if (state == None)
            return new TokenMask(_tokens.VocabularySize, []);
        (int, int) key = (state, Clip(left - 1));
        lock (_gate)
        {
            if (_masks.TryGetValue(key, out TokenMask? mask))
                return mask;
            mask = new TokenMask(_tokens.VocabularySize, _states.TokensTo(state, _canEnd[key.Item2]));
            if ((_maskBytes += mask.Bytes) > PatternLimits.MaskBytes)
            {
                _masks.Clear();
                _maskBytes = mask.Bytes;
            }

            return _masks[key] = mask;
        }
    }

    private int Clip(int tokens) => _isFinal ? Math.Min(tokens, _canEnd.Count - 1) : tokens;

    private void FindEnds(int maxTokens)
    {
        _canEnd.Add(_states.Accepting());
        while (_canEnd.Count <= maxTokens)
        {
            bool[] next = _states.Before(_canEnd[^1]);
            if (next.AsSpan().SequenceEqual(_canEnd[^1]))
            {
                _isFinal = true;
                return;
            }

            _canEnd.Add(next);
            if ((long)_canEnd.Count * next.Length > PatternLimits.EndEntries)
                throw TokenStates.TooComplex();
        }
    }
}
