namespace AsArm.Inference.Tokenization;

/// <summary>The texts of tokens as a prefix tree of bytes, in an array by preorder, so that a subtree is skipped in one step.</summary>
internal sealed class TokenTrie
{
    private readonly byte[] _bytes; // by node; the root, 0, has none
    private readonly int[] _depths;
    private readonly int[] _ends; // the node after the subtree
    private readonly int[] _firstTokens; // [nodes + 1] where the tokens of a node begin
    private readonly int[] _tokens;

    /// <summary>Builds the tree.</summary>
    public TokenTrie(IEnumerable<TokenBytes> tokens)
    {
        TokenBytes[] sorted = [.. tokens];
        Array.Sort(sorted, (one, other) => one.Bytes.AsSpan().SequenceCompareTo(other.Bytes) is not 0 and int order ? order : one.Token.CompareTo(other.Token));
        _tokens = [.. sorted.Select(token => token.Token)];
        List<byte> bytes = [0];
        List<int> depths = [0], firstTokens = [0];
        byte[] before = [];
        for (int i = 0; i < sorted.Length; i++)
        {
            byte[] text = sorted[i].Bytes;
            for (int depth = before.AsSpan().CommonPrefixLength(text); depth < text.Length; depth++)
            {
                bytes.Add(text[depth]);
                depths.Add(depth + 1);
                firstTokens.Add(i);
            }

            before = text;
        }

        firstTokens.Add(sorted.Length);
        (_bytes, _depths, _firstTokens) = ([.. bytes], [.. depths], [.. firstTokens]);
        MaxDepth = _depths.Max();
        _ends = EndsOf(_depths);
    }

    /// <summary>Number of nodes, the root included.</summary>
    public int Count => _bytes.Length;

    /// <summary>The longest text, in bytes.</summary>
    public int MaxDepth { get; }

    /// <summary>The last byte of the text of a node that is not the root.</summary>
    public byte ByteOf(int node) => _bytes[node];

    /// <summary>The number of bytes of the text of a node.</summary>
    public int DepthOf(int node) => _depths[node];

    /// <summary>The first node, in preorder, that is not below a node.</summary>
    public int EndOf(int node) => _ends[node];

    /// <summary>The tokens with the text of a node.</summary>
    public ReadOnlySpan<int> TokensOf(int node) => _tokens.AsSpan(_firstTokens[node].._firstTokens[node + 1]);

    private static int[] EndsOf(int[] depths)
    {
        var ends = new int[depths.Length];
        var open = new Stack<int>();
        for (int node = 0; node <= depths.Length; node++)
        {
            while (open.TryPeek(out int last) && (node == depths.Length || depths[last] >= depths[node]))
                ends[open.Pop()] = node;
            open.Push(node);
        }

        return ends;
    }
}
