using System.Numerics;

namespace AsArm.Inference.Tokenization;

/// <summary>A trie of byte strings with a value each. Its edges are in a hash table with open addressing.</summary>
internal sealed class ByteTrie
{
    /// <summary>The root node.</summary>
    public const int Root = 0;

    /// <summary>No such node, or no value at a node.</summary>
    public const int None = -1;

    private readonly List<int> _values = [None];
    private Edge[] _edges = new Edge[64]; // a power of two, at most half full

    /// <summary>Adds a key, or replaces its value.</summary>
    public void Add(ReadOnlySpan<byte> key, int value)
    {
        int node = Root;
        foreach (byte label in key)
        {
            int child = Child(node, label);
            if (child == None)
            {
                child = _values.Count;
                _values.Add(None);
                if (_values.Count > _edges.Length / 2)
                    Grow();
                _edges[Slot(Name(node, label))] = new Edge(Name(node, label), child);
            }

            node = child;
        }

        _values[node] = value;
    }

    /// <summary>The child of a node, or <see cref="None" />.</summary>
    public int Child(int node, byte label)
    {
        Edge edge = _edges[Slot(Name(node, label))];
        return edge.Child == Root ? None : edge.Child;
    }

    /// <summary>The value of the key that ends here, or <see cref="None" />.</summary>
    public int Value(int node) => _values[node];

    /// <summary>Length of the longest key that is a prefix of a text; 0 if there is none.</summary>
    public int LongestPrefix(ReadOnlySpan<byte> text)
    {
        int longest = 0, node = Root;
        for (int i = 0; i < text.Length && (node = Child(node, text[i])) != None; i++)
            longest = Value(node) == None ? longest : i + 1;
        return longest;
    }

    private static long Name(int node, byte label) => ((long)node << 8) | label;

    /// <summary>The index of an edge, or the free one where it would be.</summary>
    private int Slot(long name)
    {
        Edge[] edges = _edges;
        int mask = edges.Length - 1;
        int slot = (int)((ulong)(name * unchecked((long)0x9E3779B97F4A7C15)) >> (64 - BitOperations.Log2((uint)edges.Length)));
        while (edges[slot].Child != Root && edges[slot].Name != name)
            slot = (slot + 1) & mask;
        return slot;
    }

    private void Grow()
    {
        Edge[] old = _edges;
        _edges = new Edge[2 * old.Length];
        foreach (Edge edge in old.Where(edge => edge.Child != Root))
            _edges[Slot(edge.Name)] = edge;
    }

    /// <summary>An edge to a child; node and byte are in the name. No edge leads to the root, so child 0 marks a free entry.</summary>
    private readonly record struct Edge(long Name, int Child);
}
