using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>Validates and tokenises requests and creates their jobs. Consecutive requests with the same text are tokenised once.</summary>
/// <param name="encode">Parses and tokenises a text.</param>
/// <param name="setting">The settings of the infiller.</param>
/// <param name="mode">The draft mode of requests that do not name one.</param>
internal sealed class RequestPreparer(Func<InfillRequest, RequestText> encode, InfillSetting setting, DraftMode mode)
{
    private InfillRequest? _last; // the request that _encoded or _error belongs to
    private RequestText? _encoded;
    private InfillTextException? _error;

    /// <summary>Creates a job, or refuses the request. Later changes of the collections of its options have no effect.</summary>
    /// <exception cref="ArgumentNullException">The request is null.</exception>
    public PreparedRequest Prepare(InfillRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        InfillOptions options;
        try
        {
            ArgumentNullException.ThrowIfNull(request.Options);
            options = OptionsCopy.Of(request.Options);
        }
#pragma warning disable CA1031 // Collections of the options are code of the caller: what they throw is the error of their request alone.
        catch (Exception error)
#pragma warning restore CA1031
        {
            return new PreparedRequest(request, null, error);
        }

        try
        {
            return new PreparedRequest(request, Encode(request).CreateJob(options, setting, mode), null);
        }
        catch (Exception error) when (error is InfillTextException or ArgumentException)
        {
            return new PreparedRequest(request, null, error);
        }
    }

    private RequestText Encode(InfillRequest request)
    {
        ArgumentNullException.ThrowIfNull(request.Text);
        if (_last is null || !HasSameText(_last, request))
        {
            _last = null;
            try
            {
                (_encoded, _error) = (encode(request), null);
            }
            catch (InfillTextException error)
            {
                (_encoded, _error) = (null, error);
            }

            _last = request;
        }

        return _encoded?.Copy() ?? throw _error!;
    }

    private static bool HasSameText(InfillRequest one, InfillRequest other) =>
        one.Text == other.Text && one.IsFromPrompt == other.IsFromPrompt && one.Segments == other.Segments
        && one.Options.GapSpacing == other.Options.GapSpacing && one.Options.Window == other.Options.Window && one.Options.Conditions == other.Options.Conditions;
}
