namespace AsArm.Assd.Constraints;

/// <summary>
/// What failed tries have taught: for each prefix of targets that was met, an upper bound U of the probability that a draw that begins so meets the
/// constraint. U = sum over allowed tokens of q(token) U(prefix + token), and 1 for a prefix that was not met: 1 minus what is known to fail.
/// Draws from q(token) U(prefix + token) / U(prefix) that are kept with the allowed mass of the prefixes that were new to them are exact, and fail
/// less often the more is known (adaptive rejection sampling).
/// </summary>
internal sealed class PrefixTree
{
    /// <summary>The prefix without tokens.</summary>
    public Node Root { get; } = new(1);

    /// <summary>Adds the prefixes of a try.</summary>
    /// <param name="path">The alternative and then, by rank, the allowed mass, and the token that was drawn with its probability before the restriction; the last one may be without a token (-1).</param>
    public void Add(IReadOnlyList<Step> path)
    {
        int length = path.Count;
        while (length > 0 && path[length - 1].AllowedMass >= 1)
            length--; // nothing can fail there
        if (length == 0)
            return;
        var nodes = new Node[length];
        nodes[0] = Root;
        for (int i = 1; i < length; i++)
            nodes[i] = nodes[i - 1].ChildOf(path[i - 1], path[i].AllowedMass);
        for (int i = length - 1; i >= 0; i--)
            nodes[i].UpdateBound();
    }

    /// <summary>A step of a try.</summary>
    /// <param name="AllowedMass">The probability of the allowed tokens.</param>
    /// <param name="Token">The token that was committed; -1 if none could be.</param>
    /// <param name="Probability">Its probability before the restriction.</param>
    internal readonly record struct Step(double AllowedMass, int Token, double Probability);

    /// <summary>A prefix that was met.</summary>
    internal sealed class Node
    {
        private readonly Dictionary<int, (double Probability, Node Node)> _children = [];

        public Node(double allowedMass) => Bound = AllowedMass = allowedMass;

        /// <summary>The probability of the tokens that are allowed next.</summary>
        public double AllowedMass { get; }

        /// <summary>U.</summary>
        public double Bound { get; private set; }

        /// <summary>The prefix with another token, if it was met.</summary>
        public Node? Child(int token) => _children.TryGetValue(token, out (double, Node Node) child) ? child.Node : null;

        /// <summary>Multiplies the probabilities of the tokens of met prefixes by their U.</summary>
        public void Scale(Span<float> distribution)
        {
            foreach ((int token, (double _, Node node)) in _children)
                distribution[token] *= (float)node.Bound;
        }

        /// <summary>The prefix with another token, new or not.</summary>
        public Node ChildOf(Step step, double allowedMassOfChild)
        {
            if (!_children.TryGetValue(step.Token, out (double, Node Node) child))
                _children[step.Token] = child = (step.Probability, new Node(allowedMassOfChild));
            return child.Node;
        }

        /// <summary>Computes U again, after a child has changed.</summary>
        public void UpdateBound()
        {
            double bound = AllowedMass;
            foreach ((double probability, Node node) in _children.Values)
                bound -= probability * (1 - node.Bound);
            Bound = Math.Max(0, bound);
        }
    }
}
